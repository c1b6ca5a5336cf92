// A metric over all runs of each pipeline, with champions, decisions and drift.

import { chart } from "./chart.js";
import { choice, h, labelled } from "./dom.js";
import { metricOf, metricsOf, number } from "./format.js";
import { ask } from "./server.js";

const SIGNS = "★ the champion · ☆ was the champion · ▲ the images had drifted · ⚑ a person rolled back or promoted";

export function showChart(place, _rest, { runs, about, signal }) {
  const view = { metric: "reconstruction_loss", pipeline: "" };
  const selection = {};
  let drawn = "";
  const fields = h("div", { class: "buttons" });
  const shown = h("div");
  place.append(h("section", { "aria-label": "Chart" }, fields, shown, h("p", { class: "caption" }, SIGNS)));
  runs.listen(() => draw(), signal);

  async function draw() {
    const { champions } = await ask("champions").catch(() => ({ champions: [] }));
    if (signal.aborted) return;
    const metrics = metricsOf(runs.all, about.metrics);
    const pipelines = [...new Set(runs.all.map((run) => run.pipeline))].sort();
    const change = (name) => (value) => {
      view[name] = value;
      draw();
    };
    if (!fields.contains(document.activeElement)) {
      fields.replaceChildren(
        labelled("Metric", choice(metrics.map(({ name, title }) => [name, title]), view.metric, change("metric"))),
        labelled("Pipeline", choice([["", "all"], ...pipelines.map((name) => [name, name])], view.pipeline, change("pipeline"))));
    }
    const metric = metrics.find(({ name }) => name === view.metric) ?? metrics[0];
    if (!metric) return shown.replaceChildren(h("p", {}, "No run has metrics yet."));
    const wanted = runs.all.filter((run) => !view.pipeline || run.pipeline === view.pipeline).reverse();
    const series = pipelines.map((name) => ({
      name,
      points: wanted.filter((run) => run.pipeline === name && !run.decision).map((run) => pointOf(run, metric, champions)),
    }));
    const decisions = wanted.filter((run) => run.decision).map((run) => ({
      x: run.number, sign: "⚑", text: `run ${run.number} of ${run.pipeline}: ${run.decision}: ${run.why}`,
    }));
    const told = JSON.stringify([metric, series, decisions]);
    if (told === drawn) return;
    drawn = told;
    selection.isFocused = document.activeElement?.matches(".chart svg");
    const better = metric.better && `, ${metric.better} is better`;
    shown.replaceChildren(chart(`The ${metric.title} of each run${better}`, { x: "run", y: metric.unit || metric.title }, series, decisions, selection));
  }
}

function pointOf(run, metric, champions) {
  const champion = champions.find((each) => each.run === run.id);
  const signs = [champion && (champion.is_current ? "★" : "☆"), run.drifted && "▲"].filter(Boolean);
  const told = [
    champion && (champion.is_current ? "the champion" : "was the champion"),
    run.drifted && `drifted: ${run.drift}`,
    run.blessed === false && "not blessed",
  ].filter(Boolean);
  const value = metricOf(run, metric.name);
  return {
    x: run.number,
    y: value ?? NaN,
    sign: signs.join(""),
    text: [`run ${run.number}, ${number(value, metric.decimals)} ${metric.unit}`.trim(), ...told].join(", "),
    open: () => (location.hash = `#/run/${encodeURIComponent(run.id)}`),
  };
}
