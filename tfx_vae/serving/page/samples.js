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
    this.generate = newestOnly(async (signature, inputs) => {
      const images = await this.ask(signature, { count: COUNT, ...inputs });
      if (images) this.fill(images.map(fromTensor));
    });
    for (const id of ["seed", "label", "temperature"]) byId(id).addEventListener("input", () => this.refresh());
    byId("new-samples").addEventListener("click", () => {
      byId("seed").value = Math.floor(Math.random() * SEEDS);
      this.refresh();
    });
  }

  use(model) {
    this.shape = model.image_shape;
    this.hasPosterior = model.has_posterior;
    const names = Object.entries(model.labels);
    const chosen = byId("label").value;
    byId("label").replaceChildren(new Option("any", ""), ...names.map(([number, name]) => new Option(name, number)));
    byId("label").value = chosen in model.labels ? chosen : "";
    byId("label-choice").hidden = names.length === 0;
    for (const id of ["temperature-choice", "temperature-caption"]) byId(id).hidden = !model.has_temperature;
    if (!model.has_temperature) byId("temperature").value = 1;
    this.refresh();
  }

  refresh() {
    const label = byId("label").selectedOptions[0];
    const temperature = Number(byId("temperature").value);
    byId("temperature-value").textContent = temperature.toFixed(2);
    byId("samples-source").textContent = this.source(label);
    if (!byId("seed").validity.valid || !byId("seed").value) return;
    const seed = [0, Number(byId("seed").value)];
    if (label.value) this.generate("generate_labelled", { seed, label: Number(label.value), temperature });
    else if (temperature !== 1) this.generate("generate_at_temperature", { seed, temperature });
    else this.generate("generate", { seed });
  }

  source(label) {
    if (label.value) return `Decoded codes that were drawn from those of training images with the label ${label.text}; training used no labels.`;
    if (this.hasPosterior) return "Decoded codes that were drawn from the prior.";
    return "Decoded codes that were drawn from a distribution fitted to the codes of the training data, because training gives an autoencoder no prior.";
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
