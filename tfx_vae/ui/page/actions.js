// What a person may change. Each action is asked for once more, in a dialog that says what it does.

import { h, labelled, section } from "./dom.js";
import { act } from "./server.js";

/** The actions on a run; nothing if the server only reads. */
export function runActions(run, { about, runs }) {
  if (!about.allows_actions) return null;
  const { pipeline, pushed_version: version } = run;
  const button = (name, sentence, label, kind, body) => h("button", { type: "button", click: () => confirm(name, sentence, label, (text) => act(kind, body(text)), () => runs.look()) }, name);
  const trained = run.metrics && !run.decision;
  return section("Actions", h("div", { class: "buttons" },
    button("Tag", `Give run ${run.number} a name that the list shows. An empty one takes it away.`, "Tag", "tag", (tag) => ({ run: run.id, tag })),
    trained && button("Promote", `Serve the model of run ${run.number}, and make it the champion of ${pipeline}. Only its files are checked.`, "Reason", "promote", (why) => ({ pipeline, target: run.id, why })),
    version && button("Roll back to this version", `Serve version ${version} of ${pipeline} again, as the champion. The version that is served now is never a baseline again.`, "Reason", "rollback", (why) => ({ pipeline, version: Number(version), why }))));
}

/** The button that deletes what gc would; nothing if the server only reads. */
export function deleteButton({ artifacts, size }, asked, { about }, done) {
  if (!about.allows_actions) return null;
  const body = () => ({ ...asked, artifacts: artifacts.map((each) => each.id) });
  return h("button", { type: "button", click: () => confirm("Delete", `Delete ${artifacts.length} artifacts, ${size}, and what is left of old runs. This cannot be undone.`, null, () => act("delete", body()), done) }, "Delete");
}

/** Asks, then acts, and says what was done or why not. */
function confirm(name, sentence, label, carryOut, done) {
  const text = h("input", { type: "search", autofocus: true });
  const told = h("p", { role: "status" });
  const yes = h("button", { type: "button", click: go }, name);
  const close = h("button", { type: "button", click: () => dialog.close() }, "Cancel");
  const dialog = h("dialog", { "aria-label": name, close: () => dialog.remove() }, h("h2", {}, name), h("p", {}, sentence), label && labelled(label, text), told, h("div", { class: "buttons" }, yes, close));
  document.body.append(dialog);
  dialog.showModal();

  async function go() {
    yes.disabled = true;
    told.textContent = "Working…";
    try {
      told.textContent = (await carryOut(text.value)).done;
      close.textContent = "Close";
      close.focus();
      done();
    } catch (error) {
      told.textContent = error.message;
      yes.disabled = false;
    }
  }
}
