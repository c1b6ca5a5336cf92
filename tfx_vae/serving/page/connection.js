// Requests to the server: TensorFlow Serving's REST API, https://www.tensorflow.org/tfx/serving/api_rest, and the description of the
// model.

const MILLISECONDS_BETWEEN_TRIES = 3000;
const MILLISECONDS_TO_A_NEWER_VERSION = 500;

const NOT_FOUND = 404;

/** The server refused a request; the message is the server's. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Connection {
  /**
   * @param {(model: object) => void} onModel called with the description of the model, and again when another version answers
   * @param {(notice: {state: string, text: string}) => void} onNotice called when the state changes: `ready`, `loading`, `missing`
   *   (no model to show), `gone` (no answer) or `refused`
   */
  constructor(onModel, onNotice) {
    this.model = null;
    this.onModel = onModel;
    this.onNotice = onNotice;
    this.isLooking = false;
  }

  /** Asks for the model, after a pause, until there is one. */
  async look(pause = 0) {
    if (this.isLooking) return;
    this.isLooking = true;
    await sleep(pause);
    while (!(await this.find())) await sleep(MILLISECONDS_BETWEEN_TRIES);
    this.isLooking = false;
  }

  async find() {
    try {
      this.model = await request("page/model.json");
    } catch (error) {
      this.onNotice(error instanceof Refusal ? { state: "missing", text: error.message } : gone());
      return false;
    }
    this.onNotice({ state: "ready", text: "" });
    this.onModel(this.model);
    return true;
  }

  /**
   * Sends a request to the model.
   * @param {string} signature the signature's name
   * @param {object} inputs by name, each a number or nested lists
   * @returns the outputs by name, or the output itself if there is only one; null without an answer, with a notice
   */
  async ask(signature, inputs) {
    const { name, version } = this.model;
    try {
      // With the version, because everything on the page must come from one model.
      const path = `v1/models/${encodeURIComponent(name)}/versions/${version}:predict`;
      const { outputs } = await request(path, { signature_name: signature, inputs });
      this.onNotice({ state: "ready", text: "" });
      return outputs;
    } catch (error) {
      this.onFailure(error);
      return null;
    }
  }

  onFailure(error) {
    if (!(error instanceof Refusal)) {
      this.onNotice(gone());
      this.look(MILLISECONDS_BETWEEN_TRIES);
    } else if (error.status === NOT_FOUND) {
      this.onNotice({ state: "loading", text: `Version ${this.model.version} is no longer served; loading the newer one…` });
      this.look(MILLISECONDS_TO_A_NEWER_VERSION);
    } else {
      this.onNotice({ state: "refused", text: error.message });
    }
  }
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function request(path, body) {
  const posted = body && { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const response = await fetch(path, { cache: "no-store", ...posted });
  const answer = await response.json().catch(() => ({ error: `The server answered with status ${response.status}.` }));
  if (!response.ok) throw new Refusal(response.status, answer.error ?? `The server answered with status ${response.status}.`);
  return answer;
}

function gone() {
  return {
    state: "gone",
    text: "The server does not answer. Start it again with tfx-vae serve. Your drawing is kept, and this page will reconnect.",
  };
}
