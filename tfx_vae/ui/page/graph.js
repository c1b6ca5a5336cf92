// A graph without cycles, in layers: from left to right, or from top to bottom where there is little room. Every node is a link.

import { h } from "./dom.js";
import { element } from "./plot.js";

const [NODE_WIDTH, NODE_HEIGHT] = [136, 44];
const [GAP, LAYER_GAP] = [12, 34];
const NARROW = 800;

/**
 * A figure with the graph.
 * @param {string} label its name for screen readers
 * @param {{key: string, name: string, about: string, style: string, href: string}[]} nodes
 * @param {[string, string][]} edges keys, from what was there before to what was made of it
 */
export function graph(label, nodes, edges) {
  const surface = h("div", { class: "graph scroll", role: "group", "aria-label": label });
  const layers = inLayers(nodes, edges);
  const kept = withoutDetours(edges);
  new ResizeObserver(([{ contentRect: { width } }]) => {
    if (!width || Number(surface.dataset.width) === width) return;
    surface.dataset.width = width;
    surface.replaceChildren(draw(layers, kept, width));
  }).observe(surface);
  return surface;
}

function draw(layers, edges, room) {
  const isWide = room >= NARROW;
  const most = Math.max(...layers.map((layer) => layer.length));
  const boxWidth = isWide ? Math.max(100, Math.min(NODE_WIDTH, room / layers.length - 22)) : Math.min(NODE_WIDTH, (room - 2) / most - 8);
  const across = isWide ? NODE_HEIGHT + GAP : boxWidth + 8;
  const along = isWide ? Math.max(boxWidth + 22, (room - boxWidth - 2) / Math.max(1, layers.length - 1)) : NODE_HEIGHT + LAYER_GAP;
  const breadth = isWide ? most * across : room;
  const places = new Map();
  layers.forEach((layer, depth) => layer.forEach((node, index) => {
    const middle = breadth / 2 + (index - (layer.length - 1) / 2) * across;
    const start = depth * along + 1;
    places.set(node.key, isWide ? { x: start, y: middle - NODE_HEIGHT / 2 } : { x: middle - boxWidth / 2, y: start });
  }));
  const length = (layers.length - 1) * along + (isWide ? boxWidth : NODE_HEIGHT) + 2;
  const [width, height] = isWide ? [Math.max(length, boxWidth), breadth] : [room, length];
  const svg = element("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  for (const [from, to] of edges) svg.append(element("path", { class: "edge", d: curve(places.get(from), places.get(to), isWide, boxWidth) }));
  for (const node of layers.flat()) svg.append(box(node, places.get(node.key), boxWidth));
  return svg;
}

function curve(from, to, isWide, boxWidth) {
  const [x, y] = isWide ? [from.x + boxWidth, from.y + NODE_HEIGHT / 2] : [from.x + boxWidth / 2, from.y + NODE_HEIGHT];
  const [endX, endY] = isWide ? [to.x, to.y + NODE_HEIGHT / 2] : [to.x + boxWidth / 2, to.y];
  const [middleX, middleY] = [(x + endX) / 2, (y + endY) / 2];
  return isWide ? `M${x},${y}C${middleX},${y} ${middleX},${endY} ${endX},${endY}` : `M${x},${y}C${x},${middleY} ${endX},${middleY} ${endX},${endY}`;
}

function box({ name, about, style, href }, { x, y }, width) {
  const link = element("a", { href, class: `node ${style}`, "aria-label": `${name}, ${about}` });
  const letters = Math.floor((width - 6) / (width < 100 ? 6.7 : 7.7));
  const short = (text) => (text.length > letters ? `${text.slice(0, letters - 1)}…` : text);
  const lines = [...inLines(name, letters), about];
  const texts = lines.map((line, index) => {
    const style = index < lines.length - 1 ? "name" : "about";
    return element("text", { x: x + width / 2, y: y + (lines.length > 2 ? 14 + 13 * index : 18 + 17 * index), class: style }, short(line));
  });
  link.append(
    element("title", {}, `${name}\n${about}`),
    element("rect", { x, y, width, height: NODE_HEIGHT, rx: 7 }),
    ...texts);
  return link;
}

/** A name in one line or two: `ModelEvaluation 15` is broken before a capital or a number. */
function inLines(name, letters) {
  if (name.length <= letters) return [name];
  const words = name.split(/(?=[A-Z][a-z])| /).filter(Boolean);
  const [first, ...rest] = words;
  return rest.length ? [first, rest.join(" ")] : [name];
}

/** Each node one layer behind the last of those that lead to it, beside its own predecessors. */
function inLayers(nodes, edges) {
  const before = new Map(nodes.map(({ key }) => [key, []]));
  for (const [from, to] of edges) before.get(to).push(from);
  const depths = new Map();
  const depth = (key) => {
    if (!depths.has(key)) depths.set(key, before.get(key).reduce((most, other) => Math.max(most, depth(other) + 1), 0));
    return depths.get(key);
  };
  const layers = [];
  for (const node of nodes) (layers[depth(node.key)] ??= []).push(node);
  const order = new Map();
  for (const layer of layers) {
    const mean = ({ key }) => before.get(key).reduce((sum, other) => sum + order.get(other), 0) / (before.get(key).length || 1);
    layer.sort((one, other) => mean(one) - mean(other));
    layer.forEach(({ key }, index) => order.set(key, index - (layer.length - 1) / 2));
  }
  return layers;
}

/** The edges without those that a longer path replaces. */
function withoutDetours(edges) {
  const after = new Map();
  for (const [from, to] of edges) after.set(from, [...(after.get(from) ?? []), to]);
  const reach = new Map();
  const reachable = (key) => {
    if (!reach.has(key)) reach.set(key, new Set((after.get(key) ?? []).flatMap((next) => [next, ...reachable(next)])));
    return reach.get(key);
  };
  const isDetour = ([from, to]) => after.get(from).some((next) => next !== to && reachable(next).has(to));
  const known = new Set();
  return edges.filter((edge) => !known.has(edge.join()) && known.add(edge.join()) && !isDetour(edge));
}
