// @ts-check
/** The card of one job. */

/** @import { Job } from "../../tidings.js" */
/** @import { JobEvent, Problem, Progress } from "../../client/frame.js" */
import { Steps } from "./steps.js";
import { part, stamp } from "../template.js";
import { Times } from "./times.js";
import { viewOf } from "./view.js";
import { duration } from "../words.js";

/** Forgotten by the server, after its result's time: nothing is wrong, there is just no more to show. */
const GONE = "unknown_token";
/** @type {Record<string, string>} What became of the work that had been done, by `compensation`. */
const UNDONE = {
  complete: "Every step that has a compensation was undone.",
  incomplete: "Not every step could be undone: an operator has to look at it.",
};
const COPIED_MS = 1500;

export class Card {
  element = stamp("job");
  #view;
  #job;
  #steps;
  #times = new Times(part(this.element, "times", HTMLElement));

  /**
   * @param {{kind: string, label: string}} what
   * @param {Job} job
   */
  constructor({ kind, label }, job) {
    this.#job = job;
    this.#view = viewOf(kind);
    this.#steps = new Steps(part(this.element, "steps", HTMLElement), job); // hears of each step before this does
    this.element.dataset.kind = kind;
    this.#say("title", label);
    this.#say("kind", kind);
    this.#part("card").setAttribute("aria-label", label);
    this.#part("meter").setAttribute("aria-label", `Progress of ${label}`);
    this.#part("cancel").setAttribute("aria-label", `Cancel ${label}`);
    this.#part("remove").setAttribute("aria-label", `Remove ${label}`);
    part(this.element, "body", HTMLElement).append(this.#view.element);
    this.#listen(job);
    this.#show(job.token ? "picking up" : "sending");
  }

  /** Whether nothing more will come. */
  get finished() {
    return this.#job.finished;
  }

  /** The job's name for clients; null until the ack. */
  get token() {
    return this.#job.token;
  }

  /** Shows the milestones that only a question brings. @param {Record<string, string>} milestones */
  learn(milestones) {
    this.#times.learn(milestones);
  }

  async cancel() {
    const button = part(this.element, "cancel", HTMLButtonElement);
    button.disabled = true;
    try {
      await this.#job.cancel();
    } catch (error) {
      this.#say("message", `Not cancelled: ${error instanceof Error ? error.message : error}`);
      button.disabled = false;
    }
  }

  async copy() {
    const button = this.element.querySelector('[data-action="copy"]');
    const done = await navigator.clipboard?.writeText(this.token ?? "").then(() => true, () => false);
    if (!button) return;
    button.textContent = done ? "Copied" : "Select it";
    if (!done) getSelection()?.selectAllChildren(this.#part("token")); // no clipboard without TLS
    setTimeout(() => { button.textContent = "Copy token"; }, COPIED_MS);
  }

  /** Lets go of the job; it goes on, if it is not finished. */
  remove() {
    this.element.remove();
    this.#job.unwatch();
  }

  /** @param {Job} job */
  #listen(job) {
    const sentAt = performance.now();
    job.on("ack", () => {
      this.#times.acked(performance.now() - sentAt);
      this.#showToken();
    });
    job.on("state", ({ status }) => this.#show(this.#steps.unwinding && !job.finished ? "undoing" : status));
    job.on("snapshot", ({ milestones }) => this.#times.learn(milestones));
    job.on("step", () => {
      if (job.finished) return;
      if (this.#steps.unwinding) this.#show("undoing");
      else if (this.element.dataset.state === "waiting") this.#show("waiting"); // for another step, maybe
    });
    job.on("progress", ({ data }) => this.#progress(data));
    job.on("log", ({ data }) => this.#view.log(data));
    job.on("stream", ({ stream }) => this.#view.stream?.(stream, job));
    job.on("started", ({ at }) => {
      this.#times.learn({ started: at });
      this.#say("message", "");
    });
    job.on("retrying", ({ data }) => {
      const why = data.problem?.detail ? `: ${data.problem.detail}` : "";
      const when = typeof data.after === "number" ? `; again in ${duration(data.after * 1000)}` : "";
      this.#say("message", `Attempt ${data.attempt ?? ""} failed${why}${when}`);
    });
    job.on("finished", (event) => this.#finish(event));
    job.on("refused", ({ problem }) => this.#refuse(problem));
    if (job.token) this.#showToken();
  }

  /** @param {Progress} progress */
  #progress({ fraction, message, data }) {
    this.element.classList.add("has-progress");
    this.#meter(fraction);
    this.#say("message", message ?? "");
    if (data !== null && data !== undefined) this.#view.progress(data);
  }

  /** @param {JobEvent} event */
  #finish({ event, at, data }) {
    this.#times.learn({ finished: at });
    this.#say("message", "");
    if (event === "succeeded") {
      this.#meter(1);
      this.#showResult(data.result);
    } else if (data?.problem) {
      this.#complain(data.problem);
    }
  }

  /** @param {any} result */
  #showResult(result) {
    try {
      this.#view.result(result);
    } catch {
      this.#say("message", "It succeeded, with a result of another shape than this page knows.");
    }
  }

  /** @param {Problem} problem */
  #refuse(problem) {
    if (problem.code === "unwatched") return;
    this.#show(problem.code === GONE ? "gone" : problem.code === "cancelled" ? "cancelled" : "refused");
    this.#complain(problem);
  }

  /** @param {Problem} problem */
  #complain({ title, detail, field, code, compensation }) {
    part(this.element, "problem", HTMLElement).hidden = false;
    this.element.dataset.code = code;
    this.#say("problem-title", title);
    const where = field ? ` (at ${field})` : "";
    const said = detail === title ? "" : `${detail}${where}`;
    const undone = compensation && UNDONE[compensation];
    this.#say("problem-detail", undone ? `${said}${/\w$/.test(said) ? "." : ""} ${undone}`.trim() : said);
  }

  /** @param {string} state */
  #show(state) {
    this.element.dataset.state = state;
    this.element.classList.toggle("is-finished", this.#job.finished);
    this.#say("state", state === "waiting" ? this.#steps.waitsFor : state);
    if (this.#job.finished) this.#endCancel();
  }

  #endCancel() {
    const button = this.#part("cancel");
    const wasFocused = button === document.activeElement || /** @type {HTMLButtonElement} */ (button).disabled;
    button.hidden = true;
    // A person who cancelled by keyboard goes on from here, not from the top of the page.
    if (wasFocused && isNowhere(document.activeElement, button)) this.#part("remove").focus();
  }

  #showToken() {
    this.element.dataset.token = this.token ?? "";
    this.#part("token-box").hidden = false;
    this.#say("token", this.token ?? "");
  }

  /** @param {number | null} fraction */
  #meter(fraction) {
    const meter = this.#part("meter");
    meter.classList.toggle("is-unknown", fraction === null);
    const percent = Math.round((fraction ?? 0) * 100);
    this.#part("bar").style.transform = `scaleX(${fraction ?? 1})`;
    if (fraction === null) meter.removeAttribute("aria-valuenow");
    else meter.setAttribute("aria-valuenow", String(percent));
    this.#say("percent", fraction === null ? "" : `${percent} %`);
  }

  /** @param {string} name */
  #part(name) {
    return part(this.element, name, HTMLElement);
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #say(name, text) {
    this.#part(name).textContent = text;
  }
}

/**
 * @param {Element | null} focused
 * @param {Element} gone
 */
function isNowhere(focused, gone) {
  return focused === null || focused === document.body || focused === gone;
}
