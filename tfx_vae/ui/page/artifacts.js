// The artifacts, and the lineage of one of them in both directions.

import { choice, facts, h, labelled, section, table } from "./dom.js";
import { size, state, time, value } from "./format.js";
import { graph } from "./graph.js";
import { ask } from "./server.js";

const SHOWN_OF_A_KIND = 8;
const MILLISECONDS_AFTER_A_KEY = 250;
const AT_ONCE = 100;

export const artifactLink = (artifact) => h("a", { href: `#/artifact/${artifact.id}` }, `${artifact.type} ${artifact.id}`);
const runHref = (run) => `#/run/${encodeURIComponent(run)}`;

export async function showArtifacts(place, _rest, { signal }) {
  const view = { type: "", words: "", start: 0 };
  const [fields, list, steps] = [h("div", { class: "buttons" }), h("div"), h("div", { class: "buttons" })];
  const summary = h("p", { class: "caption", role: "status" });
  let timer = 0;
  place.append(h("section", { "aria-label": "Artifacts" }, fields, summary, list, steps));
  await draw();

  function change(changed) {
    Object.assign(view, { start: 0 }, changed);
    return draw();
  }

  async function draw() {
    const asked = { ...view };
    const { artifacts, total, types } = await ask("artifacts", asked);
    if (signal.aborted || asked.words !== view.words) return;
    if (!fields.hasChildNodes()) {
      const wait = (event) => {
        clearTimeout(timer);
        timer = setTimeout(() => change({ words: event.target.value }), MILLISECONDS_AFTER_A_KEY);
      };
      fields.append(
        labelled("Filter", h("input", { type: "search", placeholder: "id, state, component, path", input: wait })),
        labelled("Type", choice([["", "all"], ...types.map((name) => [name, name])], view.type, (type) => change({ type }))));
    }
    const end = view.start + artifacts.length;
    summary.textContent = `${artifacts.length ? view.start + 1 : 0} to ${end} of ${total} artifacts`;
    const columns = [{ name: "Artifact" }, { name: "State" }, { name: "Made" }, { name: "Size", number: true }, { name: "By" }, { name: "Place" }];
    const rows = artifacts.map((artifact) => [
      artifactLink(artifact), state(artifact.state), time(artifact.created), size(artifact.size),
      artifact.producer && h("a", { href: runHref(artifact.producer.run) }, artifact.producer.node), h("code", {}, artifact.uri),
    ]);
    list.replaceChildren(table("Artifacts", columns, rows));
    const step = (text, start, disabled) => h("button", { type: "button", disabled, click: () => change({ start }) }, text);
    steps.replaceChildren(step("Newer", Math.max(0, view.start - AT_ONCE), view.start === 0), step("Older", end, end >= total));
  }
}

/** One artifact. Its neighbours lead to their own pages, so that a person can walk through the lineage. */
export async function showArtifact(place, rest, { title, signal }) {
  const { artifact, upstream, downstream } = await ask(`artifacts/${encodeURIComponent(rest)}`);
  if (signal.aborted) return;
  title(`${artifact.type} ${artifact.id}`);
  const properties = Object.entries(artifact.properties).map(([name, each]) => [name, h("code", {}, value(each))]);
  const { nodes, edges } = joined(upstream, downstream);
  const { producer } = artifact;
  place.append(
    h("section", { "aria-label": "Summary" }, facts({
      State: state(artifact.state), Made: time(artifact.created), Size: size(artifact.size),
      By: producer && h("a", { href: runHref(producer.run) }, `${producer.node}, run ${producer.run}`), Output: artifact.channel, Place: artifact.uri,
    })),
    section("Lineage",
      h("p", { class: "caption" }, "First what it was made from, then the artifact, then what was made from it. An artifact leads to its page, a component to its run."),
      graph(`Lineage of ${artifact.type} ${artifact.id}`, nodes, edges), asList("Made from", upstream), asList("Used for", downstream)),
    section("Properties", properties.length ? table("Properties", [{ name: "Name" }, { name: "Value" }], properties, "plain") : h("p", { class: "caption" }, "It has none.")));
}

/** The graph of both directions; of many nodes of one kind the first few. */
function joined(upstream, downstream) {
  const start = upstream.start[0];
  const nodes = new Map();
  for (const lineage of [upstream, downstream]) {
    const counts = {};
    for (const node of lineage.nodes) {
      counts[node.kind] = (counts[node.kind] ?? 0) + 1;
      if (node.key === start || counts[node.kind] <= SHOWN_OF_A_KIND) nodes.set(node.key, node);
    }
  }
  const edges = [...upstream.edges, ...downstream.edges].filter(({ source, target }) => nodes.has(source) && nodes.has(target));
  return { nodes: [...nodes.values()].map((node) => boxOf(node, start)), edges: edges.map(({ source, target }) => [source, target]) };
}

function boxOf(node, start) {
  const { key, kind, id, type } = node;
  if (key === start) return { key, name: `${type} ${id}`, about: "this artifact", style: "chosen", href: `#/artifact/${id}` };
  if (kind === "artifact") return { key, name: `${type} ${id}`, about: node.state, style: node.state, href: `#/artifact/${id}` };
  if (kind === "execution") return { key, name: node.node, about: node.state, style: `round ${node.state}`, href: runHref(node.run) };
  return { key, name: kind, about: node.label, style: "source", href: location.hash };
}

/** The same as a list, without gaps. */
function asList(name, { start, nodes }) {
  const others = nodes.filter((node) => !start.includes(node.key));
  const href = (node) => ({ artifact: `#/artifact/${node.id}`, execution: runHref(node.run) })[node.kind];
  const items = others.map((node) => h("li", {}, href(node) ? h("a", { href: href(node) }, node.label) : node.label));
  return others.length > 0 && h("details", {}, h("summary", {}, `${name} (${others.length})`), h("ul", {}, items));
}
