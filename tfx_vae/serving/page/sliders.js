// Sliders for the leading latent dimensions, which change the decoded image.

import { newestOnly } from "./newest.js";
import { fromTensor, show } from "./picture.js";

const SLIDERS = 10;
const STEPS = 200;
// Standard deviations to either side of the mean.
const REACH = 3;

const byId = (id) => document.getElementById(id);

export class Sliders {
  /**
   * @param {(signature: string, inputs: object) => Promise} ask
   * @param {(code: number[]) => void} onCode called when the code changes
   */
  constructor(ask, onCode) {
    this.ask = ask;
    this.onCode = onCode;
    this.decode = newestOnly(async (code) => {
      const images = await this.ask("decode", { latent: [code] });
      if (images) show(byId("decoded"), fromTensor(images[0]), this.model.image_shape);
    });
    byId("reset").addEventListener("click", () => this.start(this.origin));
  }

  /** Makes the sliders for a model; they start at the mean code. */
  use(model) {
    this.model = model;
    this.dimensions = leadingDimensions(model);
    this.mean = model.latent_map?.mean ?? new Array(model.latent_dim).fill(0);
    byId("sliders-order").textContent = order(model, this.dimensions.length);
    byId("sliders").replaceChildren(...this.dimensions.map((dimension, number) => this.row(dimension, number)));
    this.start(null);
  }

  /** Sets all sliders to a code; null: to the mean. */
  start(code) {
    this.origin = code;
    this.code = [...(code ?? this.mean)];
    byId("reset").textContent = code ? "Back to the drawing" : "Back to the mean";
    this.dimensions.forEach(({ index, mean, reach }, number) => {
      const input = byId(`slider-${number}`);
      // The slider reaches as far as the code, even if that is far out.
      const distance = Math.max(reach, Math.abs(this.code[index] - mean));
      [input.min, input.max, input.step] = [mean - distance, mean + distance, (2 * distance) / STEPS];
      input.value = this.code[index];
      this.label(number);
    });
    this.refresh();
  }

  /** Requests the shown image again. */
  refresh() {
    this.decode([...this.code]);
    this.onCode([...this.code]);
  }

  row({ index, note }, number) {
    const row = document.createElement("div");
    const label = document.createElement("label");
    label.htmlFor = `slider-${number}`;
    label.textContent = `Dimension ${index}`;
    const small = document.createElement("small");
    small.textContent = note;
    label.append(" ", small);
    const input = Object.assign(document.createElement("input"), { type: "range", id: `slider-${number}`, step: "any" });
    const output = Object.assign(document.createElement("output"), { id: `slider-${number}-value`, htmlFor: input.id });
    input.addEventListener("input", () => {
      this.code[index] = Number(input.value);
      this.label(number);
      this.refresh();
    });
    row.append(label, input, output);
    return row;
  }

  label(number) {
    byId(`slider-${number}-value`).textContent = decimal(this.code[this.dimensions[number].index]);
  }
}

function leadingDimensions({ latent_map: map, latent_dim: count, has_posterior: hasPosterior }) {
  const known = map?.dimensions ?? Array.from({ length: count }, (_value, index) => ({ index, mean: 0, standard_deviation: 1 }));
  return known.slice(0, SLIDERS).map((dimension) => ({
    index: dimension.index,
    ...range(dimension, hasPosterior),
    note: note(dimension, map),
  }));
}

/** The middle of the prior's range, and the distance from there to its ends. */
function range({ mean, standard_deviation: deviation, prior_quantiles: quantiles }, hasPosterior) {
  // Models of earlier versions do not say where their prior is; that of a VAE was N(0, 1).
  const [low, high] = quantiles ? [quantiles[0], quantiles.at(-1)]
    : hasPosterior ? [-REACH, REACH] : [mean - REACH * (deviation || 1), mean + REACH * (deviation || 1)];
  return { mean: (low + high) / 2, reach: (high - low) / 2 || REACH };
}

function decimal(value) {
  // Adding 0 turns minus zero into zero.
  return (Math.round(100 * value) / 100 + 0).toFixed(2).replace("-", "\u2212");
}

function note({ kl_divergence: divergence, standard_deviation: deviation }, map) {
  if (!map) return "";
  return divergence === null ? `\u00b1${deviation.toPrecision(2)}` : `${divergence.toFixed(2)} nats`;
}

function order({ latent_map: map, latent_dim: count, has_posterior: hasPosterior }, shown) {
  const which = shown < count ? `The leading ${shown} of ${count} dimensions` : count === 1 ? "One dimension" : `All ${count} dimensions`;
  if (!map) return `${shown} of ${count} dimensions, in their order in the code: without a latent map, their importance is unknown.`;
  return hasPosterior
    ? `${which}, by their KL divergence from the prior, the information that each has about an image.`
    : `${which}, by their standard deviation over images.`;
}
