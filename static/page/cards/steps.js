// @ts-check
/** The steps of a saga: a line for each, that lights up as it is done, and again as it is undone. */

/** @import { Job } from "../../tidings.js" */
/** @import { JobEvent, Step } from "../../client/frame.js" */
import { part, stamp } from "../template.js";
import { duration } from "../words.js";

/** @type {Record<string, string>} What people call a status. */
const WORDS = {
  running: "under way", succeeded: "done", failed: "failed", compensating: "being undone", compensated: "undone",
  compensation_failed: "not undone",
};

/** @type {Record<string, string>} Of a step that nothing runs. */
const WAITING = { signal: "waits for an answer", sleep: "sleeps" };

export class Steps {
  element;
  /** @type {Map<string, Step>} By path. */
  #steps = new Map();
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();
  #job;

  /**
   * @param {HTMLElement} element An `ol`, hidden until there is a step.
   * @param {Job} job
   */
  constructor(element, job) {
    this.element = element;
    this.#job = job;
    job.on("snapshot", ({ steps }) => {
      this.#steps = new Map((steps ?? []).map((step) => [step.path, step]));
      this.#draw();
    });
    job.on("step", (event) => {
      this.#steps.set(event.data.path, heard(this.#steps.get(event.data.path), event));
      this.#draw();
    });
    job.on("finished", () => this.#draw()); // the saga waits for no answer any more
  }

  /** Whether what was done is being undone, or was. */
  get unwinding() {
    return [...this.#steps.values()].some(({ status }) => status.startsWith("compensat"));
  }

  /** What a saga waits for that holds no worker, in the words of its steps. */
  get waitsFor() {
    const running = [...this.#steps.values()].filter(({ status }) => status === "running");
    const waits = running.find(({ type }) => type in WAITING);
    if (running.some(({ type }) => type === "call" || type === "step")) return WORDS.running;
    return waits ? WAITING[waits.type] : "waiting";
  }

  #draw() {
    const steps = [...this.#steps.values()].sort(inOrder);
    this.element.hidden = steps.length === 0;
    for (const [path, line] of this.#lines) {
      if (!this.#steps.has(path)) {
        line.remove();
        this.#lines.delete(path);
      }
    }
    steps.forEach((step, at) => {
      const line = this.#lines.get(step.path) ?? this.#add(step);
      if (this.element.children[at] !== line) this.element.insertBefore(line, this.element.children[at] ?? null);
      this.#fill(line, step);
    });
  }

  /** @param {Step} step */
  #add(step) {
    const line = stamp("step");
    this.#lines.set(step.path, line);
    line.style.setProperty("--depth", String(step.path.split(".").length - 1));
    part(line, "form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const { submitter } = /** @type {SubmitEvent} */ (event);
      void this.#answer(line, step, submitter instanceof HTMLButtonElement ? submitter.value : "");
    });
    return line;
  }

  /**
   * @param {HTMLElement} line
   * @param {Step} step
   */
  #fill(line, step) {
    const { name, type, status, kind, began, ended, attempts = 1, problem } = step;
    // What has no compensation stays done where the rest is undone, and is not shown as a success.
    const kept = status === "succeeded" && this.unwinding && this.#job.finished;
    line.dataset.status = kept ? "kept" : status;
    line.dataset.type = type;
    const waits = status === "running" && type in WAITING;
    say(line, "name", words(name));
    say(line, "what", type === "call" ? `job ${kind ?? name}` : type === "step" ? "" : type);
    say(line, "state", waits ? WAITING[type] : kept ? "done, nothing to undo" : WORDS[status] ?? status);
    const took = began && ended ? Date.parse(ended) - Date.parse(began) : null;
    say(line, "took", [took === null ? "" : duration(took), attempts > 1 ? `${attempts} tries` : ""].filter(Boolean).join(", "));
    say(line, "detail", problem ? problem.detail || problem.title : "");
    part(line, "form", HTMLFormElement).hidden = !(waits && type === "signal") || this.#job.finished;
    const asked = name === "approved";
    part(line, "yes-no", HTMLElement).hidden = !asked;
    part(line, "any", HTMLElement).hidden = asked;
  }

  /**
   * @param {HTMLElement} line
   * @param {Step} step
   * @param {string} value Of the button.
   */
  async #answer(line, { name }, value) {
    const fields = part(line, "fields", HTMLFieldSetElement);
    const text = part(line, "value", HTMLInputElement).value.trim();
    fields.disabled = true;
    try {
      await this.#job.signal(name, value ? JSON.parse(value) : text ? JSON.parse(text) : null);
    } catch (error) {
      say(line, "detail", `Not sent: ${error instanceof Error ? error.message : error}`);
    } finally {
      fields.disabled = false;
    }
  }
}

/**
 * Returns a step as an event leaves it; fields that the event lacks stay as they were.
 *
 * @param {Step | undefined} before
 * @param {JobEvent} event
 * @returns {Step}
 */
export function heard(before, { at, data }) {
  const known = before?.name === data.name ? before : undefined; // after the saga began again another may stand there
  const step = { began: at ?? undefined, ...known, ...data };
  if (data.status === "succeeded" || data.status === "failed") step.ended = at ?? undefined;
  return step;
}

/**
 * The order of the program: 2 before 10, and 3 before 3.1.
 *
 * @param {{path: string}} one
 * @param {{path: string}} other
 */
export function inOrder({ path: one }, { path: other }) {
  const [a, b] = [one, other].map((path) => path.split(".").map(Number));
  const at = a.findIndex((number, depth) => number !== b[depth]);
  return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -1);
}

/** @param {string} name Of a function or a kind. */
function words(name) {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * @param {HTMLElement} line
 * @param {string} name
 * @param {string} text
 */
function say(line, name, text) {
  const box = part(line, name, HTMLElement);
  if (box.textContent !== text) box.textContent = text; // what is the same is not read aloud again
}
