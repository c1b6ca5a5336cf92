// Images that the model makes up; each can be taken as the drawing.

import { newestOnly } from "./newest.js";
import { fromTensor, show } from "./picture.js";

const COUNT = 16;
const SEEDS = 100_000;

const byId = (id) => document.getElementById(id);

export class Samples {
  /**
   * @param {(signature: string, inputs: object) => Promise} ask
   * @param {(pixels: Uint8Array) => void} onChoice called with the sample that was chosen
   */
  constructor(ask, onChoice) {
    this.ask = ask;
    this.onChoice = onChoice;
    this.generate = newestOnly(async (seed) => {
      const images = await this.ask("generate", { count: COUNT, seed: [0, seed] });
      if (images) this.fill(images.map(fromTensor));
    });
    byId("seed").addEventListener("input", () => this.refresh());
    byId("new-samples").addEventListener("click", () => {
      byId("seed").value = Math.floor(Math.random() * SEEDS);
      this.refresh();
    });
  }

  use(model) {
    this.shape = model.image_shape;
    byId("samples-source").textContent = model.has_posterior
      ? "Codes drawn from the prior, decoded."
      : "Codes drawn from a Gaussian fitted to the codes of the training data, decoded: an autoencoder has no prior.";
    this.refresh();
  }

  refresh() {
    if (byId("seed").validity.valid && byId("seed").value) this.generate(Number(byId("seed").value));
  }

  fill(images) {
    const buttons = images.map((pixels, number) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "sample" });
      button.setAttribute("aria-label", `Take sample ${number + 1} as the drawing`);
      button.addEventListener("click", () => this.onChoice(pixels));
      const canvas = document.createElement("canvas");
      show(canvas, pixels, this.shape);
      button.append(canvas);
      return button;
    });
    byId("samples").replaceChildren(...buttons);
  }
}
