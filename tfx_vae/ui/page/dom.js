// Makes elements. Texts are only ever set as text, never as HTML: names and errors come from databases and files.

/**
 * An element.
 * @param {string} name its tag
 * @param {object} attributes by name; a function is the listener of that event; true, false and null mean present or absent
 * @param {...(Node|string|number|null|Array)} content
 */
export function h(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...content.flat(Infinity).filter((part) => part !== null && part !== undefined && part !== false));
  return made;
}

/** A section with a heading. */
export function section(title, ...content) {
  const id = `title-${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), ...content);
}

/**
 * A table; on a narrow screen each row becomes a card.
 * @param {string} caption its name for screen readers
 * @param {{name: string, number?: boolean}[]} columns
 * @param {(Node|string|null|Array)[][]} rows the cells; null is an empty one
 * @param {string} style `plain` if the cells of a card need no names
 */
export function table(caption, columns, rows, style = "") {
  const heads = columns.map(({ name, number }) => h("th", { scope: "col", class: number && "number" }, name));
  const cells = (row) => row.map((cell, place) => cellOf(columns[place], cell));
  return h("div", { class: "scroll" }, h("table", { class: style },
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, heads)),
    h("tbody", {}, rows.map((row) => h("tr", {}, cells(row))))));
}

export function cellOf({ name, number }, content) {
  return h("td", { "data-name": name, class: number && "number" }, content ?? h("span", { class: "none" }, "–"));
}

/** Labelled facts, those that are null left out. */
export function facts(pairs) {
  const known = Object.entries(pairs).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A field with its label. */
export function labelled(label, field) {
  return h("label", { class: "field" }, h("span", {}, label), field);
}

export function choice(options, chosen, change, attributes = {}) {
  const made = options.map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  return h("select", { ...attributes, change: (event) => change(event.target.value) }, made);
}
