// All runs: filtered, sorted, and as they change.

import { cellOf, choice, h, labelled } from "./dom.js";
import { metricOf, metricsOf, number, seconds, state, time } from "./format.js";

const SHOWN = 200;
const METRICS = ["negative_elbo", "reconstruction_loss", "frechet_distance"];
const KEPT = "tfx-vae metrics";
const STATES = ["running", "complete", "failed", "canceled", "killed"];

export function showRuns(place, _rest, { runs, about, signal, query }) {
  const view = { words: query.get("words") ?? "", pipeline: query.get("pipeline") ?? "", state: query.get("state") ?? "", sort: "number", down: true, limit: SHOWN };
  const chosen = new Set();
  const metrics = new Set(JSON.parse(localStorage.getItem(KEPT)) ?? METRICS);
  const filters = h("div", { class: "buttons" });
  const summary = h("p", { class: "caption", role: "status" });
  const list = h("div", { class: "scroll" });
  const compare = h("button", { type: "button", disabled: true, click: () => (location.hash = `#/compare/${[...chosen].map(encodeURIComponent).join(",")}`) });
  const shownMetrics = h("div", { class: "columns-shown" });
  const more = h("button", { type: "button", hidden: true, click: () => change({ limit: Infinity }) });
  place.append(h("section", { "aria-label": "Runs" }, filters, h("details", {}, h("summary", {}, "Metrics that are shown"), shownMetrics), h("div", { class: "buttons" }, compare, summary), list, more));

  let pipelines = "";
  let metricNames = "";
  runs.listen(() => {
    const known = [...new Set(runs.all.map((run) => run.pipeline))].sort();
    if (known.join() !== pipelines) drawFilters(known);
    pipelines = known.join();
    const described = metricsOf(runs.all, about.metrics);
    if (described.map(({ name }) => name).join() !== metricNames) drawMetrics(described);
    metricNames = described.map(({ name }) => name).join();
    draw();
  }, signal);

  function change(changed) {
    Object.assign(view, changed);
    draw();
  }

  function drawFilters(known) {
    filters.replaceChildren(
      labelled("Filter", h("input", { type: "search", value: view.words, placeholder: "id, settings, dataset, reason", input: (event) => change({ words: event.target.value }) })),
      labelled("Pipeline", choice([["", "all"], ...known.map((name) => [name, name])], view.pipeline, (pipeline) => change({ pipeline }))),
      labelled("State", choice([["", "all"], ...STATES.map((name) => [name, name])], view.state, (state) => change({ state }))));
  }

  function drawMetrics(described) {
    const show = (name) => (event) => {
      metrics[event.target.checked ? "add" : "delete"](name);
      localStorage.setItem(KEPT, JSON.stringify([...metrics]));
      draw();
    };
    shownMetrics.replaceChildren(...described.map(({ name, title, meaning }) =>
      h("label", { title: meaning }, h("input", { type: "checkbox", checked: metrics.has(name), change: show(name) }), ` ${title}`)));
  }

  function draw() {
    const columns = columnsOf(metricsOf(runs.all, about.metrics).filter(({ name }) => metrics.has(name)));
    const column = columns.find((each) => each.key === view.sort) ?? columns[0];
    const found = runs.all.filter((run) => fits(run, view));
    const sorted = found.map((run) => [column.sortBy(run), run]).sort(([one], [other]) => compareValues(one, other, view.down)).map(([, run]) => run);
    const focused = document.activeElement?.dataset?.focus;
    list.replaceChildren(h("table", { class: "runs" },
      h("caption", { class: "unseen" }, "Runs; each column head sorts"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "unseen" }, "Compare")), columns.map(head))),
      h("tbody", {}, sorted.slice(0, view.limit).map((run) => row(run, columns)))));
    if (focused) list.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    summary.textContent = `${found.length} of ${runs.all.length} runs${runs.isComplete ? "" : ", reading the others…"}`;
    more.hidden = sorted.length <= view.limit;
    more.textContent = `Show all ${sorted.length}`;
    updateCompare();
  }

  function updateCompare() {
    compare.disabled = chosen.size < 2 || chosen.size > 8;
    compare.textContent = chosen.size < 2 ? "Choose two or more runs to compare them" : `Compare ${chosen.size} runs${chosen.size > 8 ? ": at most 8" : ""}`;
  }

  function head({ key, name, title, isNumber }) {
    const sorted = key === view.sort && (view.down ? "descending" : "ascending");
    const sort = () => change({ sort: key, down: key === view.sort ? !view.down : true });
    return h("th", { scope: "col", class: isNumber && "number", "aria-sort": sorted },
      h("button", { type: "button", class: "sort", title, click: sort, "data-focus": `sort-${key}` }, name, h("span", { "aria-hidden": "true" }, sorted ? (view.down ? " ▼" : " ▲") : "")));
  }

  function row(run, columns) {
    const choose = (event) => {
      if (event.target.checked) chosen.add(run.id);
      else chosen.delete(run.id);
      updateCompare();
    };
    const box = h("input", { type: "checkbox", "aria-label": `Compare run ${run.number}`, checked: chosen.has(run.id), change: choose, "data-focus": `box-${run.id}` });
    return h("tr", {}, h("td", { class: "box" }, box), columns.map((column) => cellOf({ name: column.name, number: column.isNumber }, column.cell(run))));
  }
}

function columnsOf(metrics) {
  const values = metrics.map((metric) => ({
    key: metric.name,
    name: metric.title,
    title: `${metric.meaning}${metric.unit && ` (${metric.unit})`}`,
    isNumber: true,
    sortBy: (run) => metricOf(run, metric.name),
    cell: (run) => number(metricOf(run, metric.name), metric.decimals),
  }));
  return [
    { key: "number", name: "Run", isNumber: true, sortBy: (run) => run.number, cell: (run) => h("a", { href: `#/run/${encodeURIComponent(run.id)}`, "data-focus": `run-${run.id}`, title: run.id }, String(run.number)) },
    { key: "pipeline", name: "Pipeline", sortBy: (run) => run.pipeline, cell: (run) => [run.pipeline, run.tag && h("span", { class: "tag" }, run.tag)] },
    { key: "state", name: "State", sortBy: (run) => run.state, cell: (run) => (run.decision ? h("span", { class: "state decided" }, `⚑ ${run.decision}`) : state(run.state)) },
    { key: "started", name: "Started", sortBy: (run) => run.started, cell: (run) => time(run.started) },
    { key: "changed", name: "Changed", sortBy: changes, cell: (run) => changes(run) && h("span", { class: "changes" }, changes(run)) },
    ...values,
    { key: "blessed", name: "Blessed", sortBy: (run) => run.blessed, cell: (run) => ({ true: "✓ yes", false: "✗ no" })[run.blessed] ?? null },
    { key: "version", name: "Version", isNumber: true, sortBy: (run) => Number(run.pushed_version) || null, cell: (run) => (run.refusal ? "refused" : run.pushed_version) },
    { key: "drifted", name: "Drifted", sortBy: (run) => run.drifted, cell: (run) => ({ true: "▲ yes", false: "no" })[run.drifted] ?? null },
    { key: "seconds", name: "Took", isNumber: true, sortBy: (run) => run.seconds, cell: (run) => seconds(run.seconds) },
  ];
}

/** What a person changed since the run before it, or decided. */
function changes(run) {
  if (run.decision) return run.why;
  return Object.entries(run.changed).map(([name, value]) => `${name.split(".").pop()}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ") || null;
}

function fits(run, { words, pipeline, state: wanted }) {
  if (pipeline && run.pipeline !== pipeline) return false;
  if (wanted && run.state !== wanted) return false;
  if (!words.trim()) return true;
  const text = `${run.number} ${run.id} ${run.pipeline} ${run.decision ?? run.state} ${changes(run) ?? ""} ${run.dataset?.name ?? ""} ${run.model?.kind ?? ""} ${run.pushed_version ?? ""} ${run.error ?? ""} ${run.tag ?? ""}`.toLowerCase();
  return words.toLowerCase().trim().split(/\s+/).every((word) => text.includes(word));
}

/** Runs without a value come last in both directions. */
function compareValues(one, other, down) {
  const [noOne, noOther] = [one, other].map((value) => value === null || value === undefined);
  if (noOne || noOther) return noOne - noOther;
  const order = one < other ? -1 : one > other ? 1 : 0;
  return down ? -order : order;
}
