// One run: what its components did, and what came out.

import { runActions } from "./actions.js";
import { artifactLink } from "./artifacts.js";
import { curvesOf, differenceTables } from "./comparison.js";
import { choice, facts, h, labelled, section, table } from "./dom.js";
import { metricsOf, number, seconds, state, time, value } from "./format.js";
import { graph } from "./graph.js";
import { ask } from "./server.js";

const MILLISECONDS_BETWEEN_LOOKS = 2000;

export async function showRun(place, id, context) {
  const path = `runs/${encodeURIComponent(id)}`;
  const live = h("div");
  const log = h("pre", { class: "log", tabindex: 0, role: "region", "aria-label": "Log" });
  const logCaption = h("p", { class: "caption" });
  const after = h("div");
  let tag = null;
  let wasRunning = false;
  place.append(live, section("Log", logCaption, log), after);
  await look();

  async function look() {
    const found = await ask(path);
    if (context.signal.aborted) return;
    const isRunning = found.run.state === "running";
    if (found.tag !== tag) {
      const isOpen = [...live.querySelectorAll("details[open]")].map((details) => details.id);
      live.replaceChildren(...summary(found, context));
      for (const details of isOpen) document.getElementById(details)?.setAttribute("open", "");
      if (!tag || (wasRunning && !isRunning)) showResults(after, found, path, context);
    }
    [tag, wasRunning] = [found.tag, isRunning];
    await showLog(path, log, logCaption);
    if (isRunning && !context.signal.aborted) setTimeout(() => look().catch((error) => (logCaption.textContent = error.message)), MILLISECONDS_BETWEEN_LOOKS);
  }
}

function summary({ run, host, settings, versions, components }, context) {
  const { about, title } = context;
  title(`Run ${run.number} of ${run.pipeline}`);
  const metrics = metricsOf([run], about.metrics).map((metric) => [
    metric.title, `${number(run.metrics[metric.name], Math.max(2, metric.decimals))} ${metric.unit}`, h("span", { class: "caption" }, metric.meaning),
  ]);
  return [
    h("section", { "aria-label": "Summary" },
      facts({
        State: state(run.state), Decision: run.decision && `${run.decision}: ${run.why}`, Started: time(run.started), Took: seconds(run.seconds),
        Dataset: run.dataset && `${run.dataset.name} ${run.dataset.version}`, Model: run.model && `${run.model.kind}, ${run.model.latent_dim} dimensions`,
        Blessed: { true: "✓ yes", false: "✗ no" }[run.blessed], Refused: run.refusal, 
        Version: run.pushed_version && h("a", { href: `#/models/${encodeURIComponent(`${run.pipeline} ${run.pushed_version}`)}` }, run.pushed_version), Drift: run.drift, Host: host, Id: run.id, Tag: run.tag,
      }),
      run.error && h("p", { class: "notice bad", role: "alert" }, run.error)),
    runActions(run, context),
    metrics.length && section("Metrics of the test split", table("Metrics", [{ name: "Metric" }, { name: "Value" }, { name: "Meaning" }], metrics, "plain")),
    components.length && section("Components", dag(components), componentTable(components)),
    section("Parameters",
      disclosure("settings", `Settings (${Object.keys(settings).length})`, pairs("Settings", settings)),
      components.map((component) => Object.keys(component.parameters).length > 0 && disclosure(`parameters-${component.execution}`, `Parameters of ${nameOf(component)}`, pairs(nameOf(component), component.parameters))),
      disclosure("versions", `Installed versions (${Object.keys(versions).length})`, pairs("Versions", versions))),
  ].filter(Boolean);
}

const nameOf = (component) => component.node || component.type;

function disclosure(id, name, content) {
  return h("details", { id }, h("summary", {}, name), content);
}

function pairs(caption, values) {
  const rows = Object.entries(values).map(([name, each]) => [name, h("code", {}, value(each))]);
  return rows.length ? table(caption, [{ name: "Name" }, { name: "Value" }], rows, "plain") : h("p", { class: "caption" }, "None was recorded.");
}

function dag(components) {
  const makers = new Map();
  for (const component of components) {
    for (const artifact of Object.values(component.outputs).flat()) makers.set(artifact.id, component.execution);
  }
  const edges = components.flatMap((component) =>
    Object.values(component.inputs).flat().map((artifact) => makers.get(artifact.id)).filter((maker) => maker && maker < component.execution).map((maker) => [String(maker), String(component.execution)]));
  const nodes = components.map((component) => ({
    key: String(component.execution), name: nameOf(component), style: component.state, href: `#/run-component-${component.execution}`,
    about: component.state === "cached" ? "cached" : [component.state === "complete" ? "ran" : component.state, seconds(component.seconds)].filter(Boolean).join(" "),
  }));
  const figure = graph("What each component was made from; each leads to its row below", nodes, edges);
  figure.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    const row = document.getElementById(link.getAttribute("href").slice(2));
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
  });
  return figure;
}

function componentTable(components) {
  const rows = components.map((component) => [
    h("b", { id: `run-component-${component.execution}`, tabindex: -1 }, nameOf(component)), state(component.state), seconds(component.seconds),
    [...Object.values(component.outputs).flat().map((artifact) => [artifactLink(artifact), " "]), component.error && h("p", { class: "bad" }, component.error)],
  ]);
  return table("Components", [{ name: "Component" }, { name: "State" }, { name: "Took", number: true }, { name: "Made" }], rows, "plain");
}

async function showLog(path, log, caption) {
  try {
    const { tail, is_whole: isWhole, path: file } = await ask(`${path}/log`);
    const follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 5 || !log.textContent;
    if (log.textContent !== tail) log.textContent = tail;
    if (follows) log.scrollTop = log.scrollHeight;
    caption.textContent = isWhole ? file : `The end of ${file}`;
  } catch (error) {
    log.hidden = true;
    caption.textContent = error.message;
  }
}

/** What is there only when a run has ended: its curves, what differs from another run, and its report. */
async function showResults(place, { run, components }, path, context) {
  const { epochs } = await ask(`${path}/curves`);
  const hasReport = components.some((component) => component.outputs.report?.length);
  place.replaceChildren(
    section("Training", curvesOf([{ name: "", epochs }])),
    differences(run, context),
    hasReport && section("Report", h("p", {}, h("a", { href: `report/${encodeURIComponent(run.id)}/index.html`, target: "_blank", rel: "noopener" }, "Open it in a window of its own")),
      h("iframe", { src: `report/${encodeURIComponent(run.id)}/index.html`, title: `Report of run ${run.number}`, loading: "lazy", sandbox: "" })) || "");
}

function differences(run, { runs, about, signal }) {
  const shown = h("div");
  const chosen = h("div");
  const compare = async (other) => {
    shown.replaceChildren();
    if (!other) return;
    const found = await ask("differences", { run: [other, run.id] }).catch((error) => error);
    if (found instanceof Error) return shown.replaceChildren(h("p", {}, found.message));
    const page = `#/compare/${encodeURIComponent(other)},${encodeURIComponent(run.id)}`;
    shown.replaceChildren(h("div", {}, differenceTables(found, about.metrics)), h("p", {}, h("a", { href: page }, "Compare them on a page of their own, with their curves")));
  };
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort());
  runs.listen(() => {
    if (!runs.isComplete) return;
    stop.abort();
    const others = runs.all.filter((other) => other.id !== run.id);
    const before = runs.before(run)?.id ?? "";
    chosen.replaceChildren(labelled("Another run", choice([["", "choose one"], ...others.map((other) => [other.id, `${other.number} of ${other.pipeline}, ${other.id}`])], before, compare)));
    compare(before);
  }, stop.signal);
  return section("What differs", chosen, shown);
}
