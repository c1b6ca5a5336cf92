// Requests to the server, and the list of runs, which all parts of the page share.

const MILLISECONDS_BETWEEN_LOOKS = 3000;
const FIRST = 100;

/** The server refused a request; the message is the server's. */
export class Refusal extends Error {}

/** Asks for JSON under /api/. The server answers 304 if nothing has changed, and the browser then takes what it has. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).flatMap(([name, value]) => [value].flat().map((each) => [name, each])));
  const response = await fetch(`api/${path}${query.size ? `?${query}` : ""}`, { cache: "no-cache" });
  const answer = await response.json().catch(() => ({ error: `The server answered with status ${response.status}.` }));
  if (!response.ok) throw new Refusal(answer.error ?? `The server answered with status ${response.status}.`);
  return { ...answer, tag: response.headers.get("ETag") };
}

const TOKEN = "tfx-vae token";

/** Keeps the token of the address, for this tab only, and takes it out of the address. */
export function keepToken() {
  if (!location.hash.startsWith("#token=")) return;
  sessionStorage.setItem(TOKEN, location.hash.slice("#token=".length));
  history.replaceState(null, "", "#/runs");
}

/** Changes something; the answer says what was done. */
export async function act(kind, body) {
  const headers = { "Content-Type": "application/json", "X-Tfx-Vae-Token": sessionStorage.getItem(TOKEN) ?? "" };
  const response = await fetch(`api/actions/${kind}`, { method: "POST", body: JSON.stringify(body), headers });
  const answer = await response.json().catch(() => ({ error: `The server answered with status ${response.status}.` }));
  if (!response.ok) throw new Refusal(answer.error);
  return answer;
}

/** The runs, as they change. */
export class Runs {
  /** @param {(message: string) => void} onNotice called with why they cannot be read, or with an empty text */
  constructor(onNotice) {
    this.all = null;
    this.isComplete = false;
    this.onNotice = onNotice;
    this.tag = null;
    this.listeners = new Set();
    this.looking = null;
  }

  /** Calls a listener whenever the runs have changed, until the signal aborts. */
  listen(listener, signal) {
    this.listeners.add(listener);
    signal.addEventListener("abort", () => this.listeners.delete(listener));
    if (this.all) listener();
  }

  /** Looks for changes for ever, while somebody sees the page. */
  async follow() {
    for (;;) {
      if (!document.hidden) await this.look();
      await new Promise((resolve) => setTimeout(resolve, MILLISECONDS_BETWEEN_LOOKS));
    }
  }

  async look() {
    try {
      if (!this.all) {
        const newest = await ask("runs", { last: FIRST });
        this.isComplete = newest.runs.length < FIRST;
        this.take(newest);
      }
      const all = await ask("runs");
      this.isComplete = true;
      this.take(all);
      this.onNotice("");
    } catch (error) {
      this.onNotice(error instanceof Refusal ? error.message : "The server does not answer. Start it again with tfx-vae ui.");
    }
  }

  take({ runs, tag }) {
    if (tag === this.tag) return;
    [this.all, this.tag] = [runs, tag];
    for (const listener of this.listeners) listener();
  }

  find(id) {
    return this.all?.find((run) => run.id === id);
  }

  /** The run of the same pipeline before another, which a person's decision is not. */
  before(run) {
    return this.all?.find((other) => other.number < run.number && other.pipeline === run.pipeline && !other.decision);
  }
}
