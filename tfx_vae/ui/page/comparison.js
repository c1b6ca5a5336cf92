// What differs between runs, and their curves in one chart.

import { chart } from "./chart.js";
import { choice, h, labelled, section, table } from "./dom.js";
import { metricsOf, number, runLink, state, value } from "./format.js";
import { ask } from "./server.js";

const TITLES = { settings: "Settings", data: "Data", metrics: "Metrics", outcome: "Outcome", versions: "Versions" };
const LOSSES = ["loss", "reconstruction_loss", "kl_divergence", "negative_elbo", "squared_error"];

/** The page of two or more runs. */
export async function showComparison(place, rest, { about, title, signal }) {
  const ids = rest.split(",").map(decodeURIComponent);
  const [differences, ...curves] = await Promise.all([ask("differences", { run: ids }), ...ids.map((id) => ask(`runs/${encodeURIComponent(id)}/curves`))]);
  if (signal.aborted) return;
  const { runs } = differences;
  title(`Comparison of runs ${runs.map((run) => run.number).join(", ")}`);
  place.append(
    section("Runs", table("The compared runs", [{ name: "Run" }, { name: "Pipeline" }, { name: "State" }, { name: "Id" }], runs.map((run) => [runLink(run), run.pipeline, state(run.state), run.id]))),
    section("What differs", differenceTables(differences, about.metrics)),
    section("Training", curvesOf(runs.map((run, order) => ({ name: `run ${run.number}`, epochs: curves[order].epochs })))));
}

/** A table for each section in which runs differ. */
export function differenceTables({ runs, sections }, catalogue) {
  const known = Object.entries(sections).filter(([, rows]) => rows.length);
  if (!known.length) return h("p", {}, "The runs differ in nothing that ML Metadata knows.");
  const order = metricsOf(runs, catalogue).map((metric) => metric.name);
  return known.map(([name, rows]) => {
    if (name === "metrics") rows.sort((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
    const columns = [{ name: TITLES[name] }, ...runs.map((run) => ({ name: `run ${run.number}`, number: name === "metrics" }))];
    const metric = (key) => catalogue.find((each) => each.name === key);
    const cells = rows.map(({ name: key, values }) => {
      if (name !== "metrics") return [key, ...values.map((each) => shortened(value(each)))];
      return [metric(key)?.title ?? key, ...values.map((each) => number(each, Math.max(2, metric(key)?.decimals ?? 4)))];
    });
    return table(TITLES[name], columns, cells);
  });
}

/** A digest is as good by its beginning. */
function shortened(text) {
  return /^[0-9a-f]{64}$/.test(text ?? "") ? h("span", { title: text }, `${text.slice(0, 12)}…`) : text;
}

/** The losses of each epoch, of one run or of several; a person chooses which. */
export function curvesOf(trainings) {
  const known = trainings.filter(({ epochs }) => epochs.length);
  if (!known.length) return h("p", { class: "caption" }, "No training has been recorded.");
  const shown = h("div");
  const draw = (loss) => {
    const line = (name, epochs, split) => ({
      name: `${name} ${split}`.trim(),
      points: epochs.map((epoch) => ({ x: epoch.epoch, y: epoch[split][loss], text: `epoch ${epoch.epoch}, ${number(epoch[split][loss])}` })),
    });
    const series = known.flatMap(({ name, epochs }) => (known.length > 2 ? ["eval"] : ["train", "eval"]).map((split) => line(name, epochs, split)));
    shown.replaceChildren(chart(`The ${loss.replaceAll("_", " ")} of each epoch`, { x: "epoch", y: loss === "squared_error" ? "pixels²" : "nats per image" }, series));
  };
  draw(LOSSES[0]);
  return [labelled("Loss", choice(LOSSES.map((name) => [name, name.replaceAll("_", " ")]), LOSSES[0], draw)), shown];
}
