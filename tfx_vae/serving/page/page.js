// The page as a whole: sends the drawing to the model, and shows the answer in all parts of the page.

import { Connection } from "./connection.js";
import { base64, imageExample } from "./example.js";
import { readImage, save, takeFiles } from "./files.js";
import { Interpolation } from "./interpolation.js";
import { LatentMap } from "./latent_map.js";
import { newestOnly } from "./newest.js";
import { Pad } from "./pad.js";
import { fromTensor, show } from "./picture.js";
import { encodePng } from "./png.js";
import { Samples } from "./samples.js";
import { showScore } from "./score.js";
import { Sliders } from "./sliders.js";

const byId = (id) => document.getElementById(id);

const connection = new Connection(useModel, showNotice);
const ask = (signature, inputs) => connection.ask(signature, inputs);

const map = new LatentMap(ask);
const sliders = new Sliders(ask, (code) => map.place("sliders", code));
const samples = new Samples(ask, takeSample);
const judge = newestOnly(judgeDrawing);
const pad = new Pad({ canvas: byId("pad"), undo: byId("undo"), clear: byId("clear") }, judge);
const interpolation = new Interpolation(ask, () => pad.pixels, (ends) => {
  map.place("a", ends?.[0]);
  map.place("b", ends?.[1]);
});

takeFiles({ input: byId("file"), area: byId("drawing") }, takeFile);
byId("invert").addEventListener("click", () => pad.put(pad.pixels.map((value) => 255 - value)));
for (const button of document.querySelectorAll("[data-save]")) {
  const shown = button.dataset.save;
  button.addEventListener("click", () => save([...document.querySelectorAll(shown)], shown.match(/\w+/)[0]));
}
connection.look();

function useModel(model) {
  byId("name").textContent = model.name;
  byId("facts").textContent = facts(model);
  byId("box").textContent = box(model.image_shape);
  document.title = `${model.name} · tfx-vae`;
  byId("content").hidden = false;
  for (const part of [map, sliders, interpolation, samples]) part.use(model);
  pad.use(model.image_shape);
}

/** Gets reconstruction, code and score of the drawing in one request. */
async function judgeDrawing(pixels) {
  const { image_shape: shape, latent_map: latentMap } = connection.model;
  show(byId("seen"), pixels, shape);
  interpolation.allow(pixels !== null);
  byId("invert").disabled = byId("save-reconstruction").disabled = pixels === null;
  if (pixels === null) return showJudgement(null, null, null);
  const examples = [base64(imageExample(encodePng(pixels, shape)))];
  const answer = await ask("serving_default", { examples });
  if (answer) showJudgement(fromTensor(answer.reconstruction[0]), answer.latent_mean[0], answer.score[0]);

  function showJudgement(reconstruction, code, score) {
    show(byId("reconstruction"), reconstruction, shape);
    showScore(score, latentMap);
    map.place("drawing", code);
    sliders.start(code);
  }
}

async function takeFile(file) {
  byId("file-problem").textContent = "";
  try {
    pad.put(await readImage(file, connection.model));
  } catch {
    byId("file-problem").textContent = `${file.name} is not an image that this browser can read.`;
  }
}

function takeSample(pixels) {
  pad.put(pixels);
  byId("drawing").scrollIntoView({ block: "nearest" });
}

function showNotice({ state, text }) {
  document.body.dataset.state = state;
  byId("notice").hidden = state === "ready";
  byId("notice").textContent = state === "refused" ? `The server refused the request: ${text}` : text;
}

function facts({ version, image_shape: [height, width, channels], latent_dim: count, has_posterior: hasPosterior }) {
  const kind = hasPosterior ? "a variational autoencoder" : "an autoencoder";
  const dimensions = count === 1 ? "1 latent dimension" : `${count} latent dimensions`;
  return `Version ${version}: ${kind} with ${dimensions}, for ${channels === 1 ? "grey" : "colour"} images of ${width} × ${height} pixels.`;
}

function box([height, width]) {
  return [width, height].map((side) => Math.round((20 / 28) * side)).join(" × ");
}
