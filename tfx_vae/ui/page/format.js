// Quantities and states in words.

import { h } from "./dom.js";

const MARKS = { complete: "✓", cached: "↺", failed: "✗", canceled: "⊘", killed: "✗", running: "●", new: "●", live: "✓", deleted: "✗" };
const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** A state, by a sign, a word and a colour. */
export function state(name) {
  return h("span", { class: `state ${name}` }, h("span", { "aria-hidden": "true" }, MARKS[name] ?? "○"), ` ${name}`);
}

export function time(iso) {
  const date = new Date(iso);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return h("time", { datetime: iso }, `${day} ${two(date.getHours())}:${two(date.getMinutes())}`);
}

export function seconds(count) {
  if (count === null || count === undefined) return null;
  if (count < 60) return `${count.toFixed(1)} s`;
  const minutes = Math.floor(count / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(count % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function size(bytes) {
  if (bytes === null || bytes === undefined) return null;
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power ? 1 : 0)} ${UNITS[power]}`;
}

export function number(value, decimals = 2) {
  return value === null || value === undefined ? null : value.toFixed(decimals).replace("-", "\u2212");
}

/** Any value of a setting. */
export function value(given) {
  if (given === null || given === undefined) return null;
  if (typeof given === "number" && !Number.isInteger(given)) return String(Number(given.toPrecision(6)));
  return typeof given === "string" ? given : JSON.stringify(given);
}

/** The metrics that any of the runs has, in the order of the catalogue; unknown ones last. */
export function metricsOf(runs, catalogue) {
  const known = new Set(runs.flatMap((run) => Object.keys(run.metrics ?? {})));
  known.delete("example_count");
  const described = catalogue.filter(({ name }) => known.delete(name));
  const others = [...known].filter((name) => !name.startsWith("kl_per_dimension"));
  return [...described, ...others.map((name) => ({ name, title: name.replaceAll("_", " "), unit: "", better: "", meaning: "", decimals: 2 }))];
}

/** The value of a metric; an autoencoder has no ELBO: its loss is the reconstruction alone. */
export function metricOf(run, name) {
  return name === "negative_elbo" && run.model?.kind === "ae" ? null : run.metrics?.[name] ?? null;
}

export function runLink(run) {
  return h("a", { href: `#/run/${encodeURIComponent(run.id)}` }, `run ${run.number}`);
}
