// The pushed versions, with samples and reconstructions of the chosen one.

import { choice, facts, h, labelled, section } from "./dom.js";
import { metricOf, metricsOf, number, runLink, time } from "./format.js";

const PICTURES = [
  ["reconstructions", "Reconstructions: test images above what the model makes of them"],
  ["samples", "Samples: images drawn from the model"],
];
const DRAWING_PAGE = "http://127.0.0.1:8501/";

export function showModels(place, rest, { runs, about, signal }) {
  const fields = h("div");
  const shown = h("div");
  place.append(h("section", { "aria-label": "Choice" }, fields), shown);
  let known = "";
  runs.listen(() => {
    // A run from the cache has the version of the run that pushed it.
    const pushed = new Map(runs.all.filter((run) => run.pushed_version && !run.decision).reverse().map((run) => [`${run.pipeline} ${run.pushed_version}`, run]).reverse());
    if (known === [...pushed.keys()].join()) return;
    known = [...pushed.keys()].join();
    const chosen = pushed.has(rest) ? rest : pushed.keys().next().value;
    if (!chosen) return fields.replaceChildren(h("p", {}, "No model has been pushed yet."));
    fields.replaceChildren(labelled("Version", choice([...pushed.keys()].map((name) => [name, name]), chosen, (name) => shown.replaceChildren(...model(pushed.get(name), about)))));
    shown.replaceChildren(...model(pushed.get(chosen), about));
  }, signal);
}

function model(run, about) {
  const metrics = metricsOf([run], about.metrics).filter((metric) => metric.is_main);
  const values = Object.fromEntries(metrics.map((metric) => [metric.title, number(metricOf(run, metric.name), metric.decimals)]));
  return [
    section("Model", facts({ Trained: runLink(run), When: time(run.started), Model: run.model && `${run.model.kind}, ${run.model.latent_dim} dimensions`, ...values })),
    section("Pictures", PICTURES.map(([name, caption]) => picture(run, name, caption))),
    section("Draw", h("p", {}, "The drawing page shows what this model makes of your own drawings. Start it with"),
      h("pre", { class: "log" }, `tfx-vae serve --set name=${run.pipeline} --version ${run.pushed_version}`),
      h("p", {}, "and open ", h("a", { href: DRAWING_PAGE, target: "_blank", rel: "noopener" }, DRAWING_PAGE))),
  ];
}

function picture(run, name, caption) {
  const missing = () => figure.replaceChildren(h("figcaption", {}, `${caption}. The report of this run has no such picture.`));
  const image = h("img", { src: `report/${encodeURIComponent(run.id)}/${name}.png`, alt: caption, loading: "lazy", error: missing });
  const figure = h("figure", {}, image, h("figcaption", {}, caption));
  return figure;
}
