// The drawing pad, for a mouse, a pen or a finger.

import { show } from "./picture.js";
import { draw, normalize, penWidth } from "./strokes.js";

// Device pixels along the longer side.
const FINENESS = 560;

export class Pad {
  /**
   * @param {{canvas: HTMLCanvasElement, undo: HTMLButtonElement, clear: HTMLButtonElement}} elements
   * @param {(pixels: Uint8Array | null) => void} onChange called with the drawing as the model gets it; null for none
   */
  constructor({ canvas, undo, clear }, onChange) {
    this.canvas = canvas;
    this.buttons = { undo, clear };
    this.onChange = onChange;
    this.steps = []; // each { points }, { picture } or {} for an empty pad
    this.pointer = null;
    this.pixels = null;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.end(event));
    undo.addEventListener("click", () => this.undo());
    clear.addEventListener("click", () => this.add({}));
    document.addEventListener("keydown", (event) => {
      if (event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && this.steps.length) {
        event.preventDefault();
        this.undo();
      }
    });
  }

  /** Prepares the pad for images of a shape; a drawing is kept if the shape is the same. */
  use(shape) {
    if (String(shape) !== String(this.shape)) this.steps = [];
    this.shape = shape;
    const [height, width] = shape;
    this.scale = FINENESS / Math.max(height, width);
    this.canvas.width = Math.round(width * this.scale);
    this.canvas.height = Math.round(height * this.scale);
    this.refresh();
  }

  /** Replaces the drawing with an image. */
  put(picture) {
    this.add({ picture });
  }

  begin(event) {
    if (!this.shape || this.pointer !== null || event.button !== 0) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.add({ points: [this.place(event)] });
  }

  go(event) {
    if (event.pointerId !== this.pointer) return;
    // A browser collects the events of a fast pen between two frames.
    const events = event.getCoalescedEvents?.() ?? [];
    this.steps.at(-1).points.push(...(events.length ? events : [event]).map((part) => this.place(part)));
    this.refresh();
  }

  end(event) {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const [height, width] = this.shape;
    // A pen that leaves the pad draws along its edge.
    const part = (distance, length) => Math.min(1, Math.max(0, distance / length));
    return [part(event.clientX - box.left, box.width) * width, part(event.clientY - box.top, box.height) * height];
  }

  undo() {
    this.pointer = null;
    this.steps.pop();
    this.refresh();
  }

  add(step) {
    this.steps.push(step);
    this.refresh();
  }

  refresh() {
    const last = this.steps.findLastIndex((step) => !step.points);
    const strokes = this.steps.slice(last + 1).map((step) => step.points);
    // The first stroke on an image replaces it: its pixels are the model's already, and strokes are prepared first.
    const picture = strokes.length ? null : (this.steps[last]?.picture ?? null);
    this.paint(strokes, picture);
    this.pixels = strokes.length ? normalize(strokes, this.shape) : picture;
    this.buttons.undo.disabled = !this.steps.length;
    this.buttons.clear.disabled = this.pixels === null;
    this.canvas.classList.toggle("empty", this.pixels === null);
    this.onChange(this.pixels);
  }

  paint(strokes, picture) {
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (picture) {
      const small = document.createElement("canvas");
      show(small, picture, this.shape);
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
    }
    context.scale(this.scale, this.scale);
    context.strokeStyle = "white";
    draw(context, strokes, penWidth(this.shape));
  }
}
