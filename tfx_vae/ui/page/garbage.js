// What gc would delete, and what it keeps.

import { deleteButton } from "./actions.js";
import { artifactLink } from "./artifacts.js";
import { h, labelled, section, table } from "./dom.js";
import { size } from "./format.js";
import { ask } from "./server.js";

const SHOWN = 500;

export function showGarbage(place, _rest, context) {
  const { signal } = context;
  const keep = h("input", { type: "number", min: 0, step: 1, value: 1 });
  const age = h("input", { type: "search", placeholder: "30d, 12h" });
  const result = h("div", { "aria-live": "polite" });
  place.append(
    h("section", { "aria-label": "What to keep" },
      h("p", {}, "tfx-vae gc deletes what no kept model depends on."),
      h("div", { class: "buttons" },
        labelled("Keep the newest runs of each pipeline", keep), labelled("Only what was not used for", age), h("button", { type: "button", click: draw }, "Look again"))),
    result);
  return draw();

  async function draw() {
    result.replaceChildren(h("p", { class: "notice" }, "Looking at the files…"));
    const asked = { keep_last: Number(keep.value), older_than: age.value };
    const found = await ask("garbage", asked).catch((error) => error);
    if (signal.aborted) return;
    if (found instanceof Error) result.replaceChildren(h("p", { class: "notice", role: "alert" }, found.message));
    else result.replaceChildren(...plan(found, deleteButton({ ...found, size: size(found.size) }, asked, context, draw)));
  }
}

function plan({ size: bytes, artifacts, leftovers, kept, elsewhere }, button) {
  const columns = [{ name: "What" }, { name: "Size", number: true }, { name: "Place" }];
  const rows = [
    ...artifacts.slice(0, SHOWN).map((each) => [artifactLink(each), size(each.size), h("code", {}, each.uri)]),
    ...leftovers.map((each) => [each.kind.replaceAll("_", " "), size(each.size), h("code", {}, each.path)]),
  ];
  const reasons = Object.entries(kept).sort(([, one], [, other]) => other - one).map(([reason, count]) => [reason, String(count)]);
  return [
    section(rows.length ? `${size(bytes)} would be freed` : "Nothing to free", rows.length > 0 && button,
      rows.length > 0 && table("What would be deleted", columns, rows),
      artifacts.length > SHOWN && h("p", { class: "caption" }, `and ${artifacts.length - SHOWN} more artifacts`),
      elsewhere > 0 && h("p", { class: "caption" }, `${elsewhere} are elsewhere, and are not deleted.`)),
    section("Kept", table("Kept artifacts", [{ name: "Why" }, { name: "Artifacts", number: true }], reasons)),
  ];
}
