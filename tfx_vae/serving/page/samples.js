// Samples of the model; each can be used as the drawing.

import { newestOnly } from "./newest.js";
import { fromTensor, show } from "./picture.js";

const COUNT = 16;
const SEEDS = 100_000;

const byId = (id) => document.getElementById(id);

export class Samples {
  /**
   * @param {(signature: string, inputs: object) => Promise} ask
   * @param {(pixels: Uint8Array) => void} onChoice called with the chosen sample
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
      ? "Decoded codes that were drawn from the prior."
      : "Decoded codes that were drawn from a distribution fitted to the codes of the training data, because training gives an autoencoder no prior.";
    this.refresh();
  }

  refresh() {
    if (byId("seed").validity.valid && byId("seed").value) this.generate(Number(byId("seed").value));
  }

  fill(images) {
    const buttons = images.map((pixels, number) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "sample" });
      button.setAttribute("aria-label", `Use sample ${number + 1} as the drawing`);
      button.addEventListener("click", () => this.onChoice(pixels));
      const canvas = document.createElement("canvas");
      show(canvas, pixels, this.shape);
      button.append(canvas);
      return button;
    });
    byId("samples").replaceChildren(...buttons);
  }
}
