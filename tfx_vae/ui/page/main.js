// Chooses what is shown by the address: #/runs, #/run/ID, ...

import { showArtifact, showArtifacts } from "./artifacts.js";
import { showChart } from "./chart_page.js";
import { showComparison } from "./comparison.js";
import { h } from "./dom.js";
import { showGarbage } from "./garbage.js";
import { showModels } from "./models.js";
import { showRun } from "./run.js";
import { showRuns } from "./runs.js";
import { Runs, ask, keepToken } from "./server.js";

const PAGES = {
  runs: { title: "Runs", show: showRuns },
  run: { title: "Run", show: showRun },
  chart: { title: "Metrics over runs", show: showChart },
  models: { title: "Pushed models", show: showModels },
  artifacts: { title: "Artifacts", show: showArtifacts },
  artifact: { title: "Artifact", show: showArtifact },
  garbage: { title: "What gc would delete", show: showGarbage },
  compare: { title: "Comparison", show: showComparison },
};

const byId = (id) => document.getElementById(id);
const runs = new Runs((message) => {
  byId("notice").textContent = message;
  byId("notice").hidden = !message;
});
let leave = new AbortController();
let about = null;

addEventListener("hashchange", () => open(true));
start();

async function start() {
  keepToken();
  runs.follow();
  while (!about) {
    about = await ask("about").catch(() => new Promise((resolve) => setTimeout(resolve, 3000)));
  }
  open(false);
}

/** Shows the page of the address; `moves` says that a person went there, so that the focus follows. */
async function open(moves) {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  if (location.hash && name === "content") return byId("content").focus();
  const page = PAGES[name] ?? PAGES.runs;
  leave.abort();
  leave = new AbortController();
  const heading = h("h1", { tabindex: "-1" }, page.title);
  const content = h("div");
  byId("content").replaceChildren(heading, content);
  for (const link of document.querySelectorAll("nav a")) {
    link.toggleAttribute("aria-current", link.hash === `#/${PAGES[name] ? name : "runs"}`);
  }
  const title = (text) => {
    heading.textContent = text;
    document.title = `${text} · tfx-vae`;
  };
  title(page.title);
  if (moves) {
    scrollTo(0, 0);
    heading.focus({ preventScroll: true });
  }
  const context = { about, runs, title, signal: leave.signal, query: new URLSearchParams(query) };
  try {
    await page.show(content, rest.join("/"), context);
  } catch (error) {
    if (!context.signal.aborted) content.replaceChildren(h("p", { class: "notice", role: "alert" }, error.message));
  }
}
