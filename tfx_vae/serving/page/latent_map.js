// The map of the latent space: a plane with the codes of the eval split, and of what the page shows.

import { newestOnly } from "./newest.js";
import { fromTensor, show } from "./picture.js";
import { axis, element, scales } from "./plot.js";

const COLORS = 10;
// Radius of a point: smaller if there are many.
const [SMALL, LARGE, MANY] = [2.2, 3.2, 800];
const CENTER_RADIUS = 11;
// From a pointer to the point that it is on, in pixels.
const REACH = 12;

const byId = (id) => document.getElementById(id);

export class LatentMap {
  /** @param {(signature: string, inputs: object) => Promise} ask */
  constructor(ask) {
    this.codes = {}; // by the name of the marker: drawing, sliders, a, b
    this.shown = null; // the only label that is highlighted
    this.pointed = null; // the number of the point under the pointer
    this.decode = newestOnly(async (number) => {
      const images = await ask("decode", { latent: [this.codeOf(number)] });
      if (images && number === this.pointed) this.showDigit(number, fromTensor(images[0]));
    });
    for (const kind of ["pointermove", "pointerdown"]) byId("map").addEventListener(kind, (event) => this.point(event));
    // A finger leaves when it is lifted; what it showed stays.
    byId("map").addEventListener("pointerleave", (event) => event.pointerType === "touch" || this.pointAt(null));
    new ResizeObserver(() => this.draw()).observe(byId("map"));
  }

  use(model) {
    this.map = model.latent_map;
    this.names = model.labels;
    this.shape = model.image_shape;
    this.shown = null;
    byId("map-missing").textContent = model.latent_map_missing ?? "";
    for (const id of ["map", "map-legend", "map-caption"]) byId(id).hidden = !this.map;
    byId("map-plane").textContent = this.map?.centers.length > 1
      ? "in the plane in which the mean codes of the labels (named circles) are farthest apart"
      : "in the plane in which they differ most";
    byId("map-legend").replaceChildren(...this.centers().map(({ label }) => this.legendButton(label)));
    this.draw();
  }

  /** Puts a marker at a code, or removes it. */
  place(marker, code) {
    this.codes[marker] = code;
    this.drawMarkers();
    if (marker === "drawing" && this.map) byId("map-nearest").textContent = this.describeNearest();
  }

  centers() {
    return this.map?.centers ?? [];
  }

  legendButton(label) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: this.name(label) });
    button.className = color(label);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      this.shown = this.shown === label ? null : label;
      for (const other of byId("map-legend").children) {
        other.setAttribute("aria-pressed", String(this.shown !== null && other === button));
      }
      this.draw();
    });
    return button;
  }

  draw() {
    const width = byId("map").clientWidth;
    if (!this.map || !width) return;
    const { points, labels, explained_variance: shares } = this.map;
    this.pointAt(null);
    this.scales = scales(points, width);
    const svg = element("svg", { width, height: this.scales.height, role: "img", "aria-labelledby": "map-caption" });
    svg.append(axis(this.scales, "x", `1st axis: ${percent(shares[0])} of the variance`));
    svg.append(axis(this.scales, "y", `2nd axis: ${percent(shares[1])}`));
    const cloud = element("g", { class: "cloud" });
    const r = points.length > MANY ? SMALL : LARGE;
    points.forEach((point, number) => {
      const [cx, cy] = this.scales.place(point);
      const label = labels?.[number];
      const isDim = this.shown !== null && label !== this.shown;
      cloud.append(element("circle", { cx, cy, r, class: `${color(label)}${isDim ? " dim" : ""}` }));
    });
    this.cloud = cloud;
    this.markers = element("g", {});
    svg.append(cloud, ...this.centers().map((center) => this.center(center)), this.markers);
    byId("map").replaceChildren(svg);
    this.drawMarkers();
  }

  center({ label, mean }) {
    const [x, y] = this.scales.place(this.project(mean));
    const isDim = this.shown !== null && label !== this.shown;
    const group = element("g", { class: `center ${color(label)}${isDim ? " dim" : ""}` });
    group.append(element("circle", { cx: x, cy: y, r: CENTER_RADIUS }), element("text", { x, y }, this.name(label)));
    return group;
  }

  /** Labels that no training image has, and those of older models, have only a number. */
  name(label) {
    return this.names[label] ?? String(label);
  }

  /** Shows the digit of the point under the pointer, if there is one. */
  point({ clientX, clientY }) {
    if (!this.map) return;
    const box = byId("map").getBoundingClientRect();
    let [nearest, least] = [null, REACH];
    this.map.points.forEach((point, number) => {
      if (this.shown !== null && this.map.labels[number] !== this.shown) return;
      const [x, y] = this.scales.place(point);
      const distance = Math.hypot(x - clientX + box.left, y - clientY + box.top);
      if (distance < least) [nearest, least] = [number, distance];
    });
    if (nearest !== this.pointed) this.pointAt(nearest);
  }

  pointAt(number) {
    this.pointed = number;
    this.cloud?.querySelector(".pointed")?.classList.remove("pointed");
    if (number === null) byId("map-digit").hidden = true;
    else {
      this.cloud.children[number].classList.add("pointed");
      this.decode(number);
    }
  }

  showDigit(number, pixels) {
    const digit = byId("map-digit");
    const label = this.map.labels?.[number];
    byId("map-digit-name").textContent = label === undefined ? "decoded" : this.name(label);
    show(digit.firstElementChild, pixels, this.shape);
    digit.hidden = false;
    const [x, y] = this.scales.place(this.map.points[number]);
    const half = digit.offsetWidth / 2;
    digit.style.left = `${Math.min(byId("map").clientWidth - half, Math.max(half, x))}px`;
    const above = y - digit.offsetHeight - REACH;
    digit.style.top = `${above < 0 ? y + REACH : above}px`;
  }

  /** The code of an image; of maps without codes that of its place in the plane. */
  codeOf(number) {
    const { codes, components, mean, points } = this.map;
    return codes?.[number] ?? mean.map((value, index) =>
      value + components[0][index] * points[number][0] + components[1][index] * points[number][1]);
  }

  drawMarkers() {
    if (!this.map || !this.markers) return;
    const at = (name) => this.codes[name] && this.scales.place(this.project(this.codes[name]));
    const [drawing, sliders, a, b] = ["drawing", "sliders", "a", "b"].map(at);
    const parts = [];
    if (a && b) parts.push(element("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1], class: "path" }));
    if (sliders) parts.push(element("circle", { cx: sliders[0], cy: sliders[1], r: 8, class: "sliders" }));
    if (drawing) parts.push(element("path", { d: `M${drawing} m0,-8 l8,8 l-8,8 l-8,-8 z`, class: "drawing" }));
    for (const [name, place] of [["A", a], ["B", b]]) {
      if (place) parts.push(element("text", { x: place[0], y: place[1] - 18, class: "end" }, name));
    }
    this.markers.replaceChildren(...parts);
  }

  project(code) {
    return this.map.components.map((direction) =>
      direction.reduce((sum, part, index) => sum + part * (code[index] - this.map.mean[index]), 0),
    );
  }

  /** In words, for screen readers too, and in all dimensions: which label is nearest to the drawing. */
  describeNearest() {
    if (!this.codes.drawing || !this.map.centers.length) return "";
    const distance = ({ mean }) => Math.hypot(...mean.map((value, index) => value - this.codes.drawing[index]));
    const nearest = this.map.centers.reduce((one, other) => (distance(other) < distance(one) ? other : one));
    return `In all dimensions, the code of your drawing is nearest to the mean code of ${this.name(nearest.label)}.`;
  }
}

function color(label) {
  return label === undefined ? "unlabelled" : `color-${label % COLORS}`;
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}
