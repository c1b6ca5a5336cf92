// The straight line through the latent space from one kept drawing to another.

import { newestOnly } from "./newest.js";
import { fromTensor, show, toTensor } from "./picture.js";

const byId = (id) => document.getElementById(id);

export class Interpolation {
  /**
   * @param {(signature: string, inputs: object) => Promise} ask
   * @param {() => Uint8Array | null} drawing returns the drawing
   * @param {(ends: number[][] | null) => void} onEnds called with the codes of both ends
   */
  constructor(ask, drawing, onEnds) {
    this.ask = ask;
    this.onEnds = onEnds;
    this.kept = { a: null, b: null };
    for (const end of ["a", "b"]) {
      byId(`keep-${end}`).addEventListener("click", () => {
        this.kept[end] = drawing();
        this.refresh();
      });
    }
    byId("steps").addEventListener("input", () => byId("steps").validity.valid && this.refresh());
    this.walk = newestOnly((start, end) => this.interpolate(start, end));
  }

  use(model) {
    if (String(model.image_shape) !== String(this.shape)) this.kept = { a: null, b: null };
    this.shape = model.image_shape;
    this.refresh();
  }

  /** Tells it whether there is a drawing to keep. */
  allow(hasDrawing) {
    for (const end of ["a", "b"]) byId(`keep-${end}`).disabled = !hasDrawing;
  }

  refresh() {
    for (const [end, pixels] of Object.entries(this.kept)) show(byId(`kept-${end}`), pixels, this.shape);
    const isComplete = this.kept.a !== null && this.kept.b !== null;
    byId("path-figure").hidden = !isComplete;
    byId("path-none").hidden = isComplete;
    if (isComplete) this.walk(...Object.values(this.kept).map((pixels) => toTensor(pixels, this.shape)));
    else this.onEnds(null);
  }

  async interpolate(start, end) {
    const paths = await this.ask("interpolate", { start: [start], end: [end], steps: Number(byId("steps").value) });
    const encoded = await this.ask("encode", { image: [start, end] });
    if (!paths || !encoded) return;
    byId("path").replaceChildren(...paths[0].map(() => document.createElement("canvas")));
    [...byId("path").children].forEach((canvas, step) => show(canvas, fromTensor(paths[0][step]), this.shape));
    // An autoencoder's only output comes without its name.
    this.onEnds(encoded.latent_mean ?? encoded);
  }
}
