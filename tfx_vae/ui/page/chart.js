// A chart of lines with points: drawn, explored with the mouse or the arrow keys, and written out as a table.

import { h, table } from "./dom.js";
import { number } from "./format.js";
import { axis, element, freeScales } from "./plot.js";

const HEIGHT = 320;
const [TOP, BOTTOM] = [8, 42];
// As many colours, dashes and shapes: none is told apart by its colour alone.
const SHAPES = ["M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "M-4,-4h8v8h-8z", "M0,-5l5,9h-10z", "M0,-6l5,6l-5,6l-5,-6z", "M-5,-5l10,10M5,-5l-10,10", "M0,-6v12M-6,0h12", "M0,5l5,-9h-10z", "M-5,-2h10v4h-10z"];

/**
 * A figure with the chart.
 * @param {string} caption what it shows
 * @param {{x: string, y: string}} names of the axes
 * @param {{name: string, points: {x: number, y: number, text: string, sign?: string, open?: () => void}[]}[]} series a sign, such as ★, is
 *   drawn above its point
 * @param {{x: number, sign: string, text: string}[]} events drawn as lines from top to bottom
 * @param {{series?: string, x?: number, isFocused?: boolean}} selection which point is selected; whoever draws a chart again gives it again
 */
export function chart(caption, names, series, events = [], selection = {}) {
  const drawn = series.map((each) => ({ ...each, points: each.points.filter(({ y }) => Number.isFinite(y)) })).filter(({ points }) => points.length);
  if (!drawn.length) return h("p", { class: "caption" }, `${caption}: no values.`);
  const spoken = h("p", { class: "caption spoken", "aria-live": "polite" }, "Move over a point, or focus the chart and press the arrow keys.");
  const surface = h("div", { class: "chart" });
  const figure = h("figure", {}, surface, legend(drawn), spoken, h("figcaption", {}, caption), asTable(caption, names, drawn, events));
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width && Number(surface.dataset.width) !== contentRect.width) draw(contentRect.width);
  }).observe(surface);
  return figure;

  function draw(width) {
    surface.dataset.width = width;
    const points = drawn.flatMap((each) => each.points);
    const plot = freeScales([...points.map(({ x, y }) => [x, y]), ...events.map(({ x }) => [x, points[0].y])], width, HEIGHT);
    const label = `${caption}. Press the arrow keys to go through the points, Enter to open one.`;
    const svg = element("svg", { width, height: HEIGHT, tabindex: 0, role: "img", "aria-label": label });
    svg.append(axis(plot, "x", names.x), axis(plot, "y", names.y));
    for (const event of events) svg.append(line(plot, event));
    const places = drawn.flatMap((each, order) => {
      const group = element("g", { class: `series series-${order % SHAPES.length}` });
      const at = each.points.map(({ x, y }) => plot.place([x, y]));
      group.append(element("path", { class: "line", d: `M${at.map((pair) => pair.join(",")).join("L")}` }));
      each.points.forEach(({ sign }, index) => {
        const [x, y] = at[index];
        if (at.length <= 200 || sign) group.append(element("path", { class: "point", d: SHAPES[order % SHAPES.length], transform: `translate(${x} ${y})` }));
        if (sign) group.append(element("text", { class: "sign", x, y: y - 9 }, sign));
      });
      svg.append(group);
      return each.points.map((point, index) => ({ point, series: each.name, at: at[index] }));
    }).sort((one, other) => one.at[0] - other.at[0]);
    const isFocused = selection.isFocused || surface.contains(document.activeElement);
    explore(svg, places, spoken, selection);
    surface.replaceChildren(svg);
    if (isFocused) svg.focus({ preventScroll: true });
    selection.isFocused = false;
  }
}

function line(plot, { x, sign, text }) {
  const [at] = plot.place([x, plot.y.from]);
  const group = element("g", { class: "event" });
  group.append(element("title", {}, text), element("path", { d: `M${at},${TOP}V${HEIGHT - BOTTOM}` }), element("text", { x: at + 3, y: TOP + 12 }, sign));
  return group;
}

/** Selects the point that is nearest to the mouse, or the next one by key; says what it is. */
function explore(svg, places, spoken, selection) {
  const ring = element("circle", { class: "ring", r: 8, visibility: "hidden" });
  svg.append(ring);
  let selected = places.findIndex(({ series, point }) => series === selection.series && point.x === selection.x);
  const select = (place) => {
    selected = Math.max(0, Math.min(places.length - 1, place));
    const { point, series, at: [x, y] } = places[selected];
    Object.assign(selection, { series, x: point.x });
    for (const [name, given] of Object.entries({ cx: x, cy: y, visibility: "visible" })) ring.setAttribute(name, given);
    spoken.textContent = `${series}: ${point.text}`;
  };
  if (selected >= 0) select(selected);
  const open = () => places[selected]?.point.open?.();
  svg.addEventListener("keydown", (event) => {
    const goal = { ArrowRight: selected + 1, ArrowLeft: selected - 1, Home: 0, End: places.length - 1 }[event.key];
    if (goal !== undefined) select(goal);
    else if (event.key === "Enter") open();
    else return;
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const distance = ({ at: [x, y] }) => Math.hypot(x - event.clientX + box.left, y - event.clientY + box.top);
    select(places.reduce((best, place, index) => (distance(place) < distance(places[best]) ? index : best), 0));
  });
  svg.addEventListener("click", open);
}

function legend(series) {
  return h("ul", { class: "series-names" }, series.map(({ name }, order) => {
    const swatch = element("svg", { width: 34, height: 14, class: `series series-${order % SHAPES.length}`, "aria-hidden": "true" });
    swatch.append(element("path", { class: "line", d: "M0,7H34" }), element("path", { class: "point", d: SHAPES[order % SHAPES.length], transform: "translate(17 7)" }));
    return h("li", {}, swatch, ` ${name}`);
  }));
}

/** Made when it is opened. */
function asTable(caption, names, series, events) {
  const details = h("details", {}, h("summary", {}, "As a table"));
  details.addEventListener("toggle", () => {
    const rows = series.flatMap(({ name, points }) => points.map(({ x, y, text, sign }) => [name, String(x), number(y, 4), `${sign ?? ""} ${text}`]));
    const told = events.map(({ x, sign, text }) => ["", String(x), null, `${sign} ${text}`]);
    const columns = [{ name: "line" }, { name: names.x, number: true }, { name: names.y, number: true }, { name: "what it is" }];
    details.append(table(caption, columns, [...rows, ...told]));
  }, { once: true });
  return details;
}
