// @ts-check
/**
 * The streams of one job as they come. Of a long one the end is shown; what a later attempt has made void goes, and a line says
 * how much of it stays.
 */

/** @import { Job } from "../../tidings.js" */
import { h, say } from "./dom.js";
import { panel } from "./view.js";
import { count } from "./words.js";

/** So much of a stream is shown: characters. */
const SHOWN = 20_000;

/** @typedef {{box: HTMLElement, facts: HTMLElement, note: HTMLElement, text: HTMLElement}} Row */

export class StreamPanel {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {Map<string, {attempt: number, keep: number}>} The last reset of each that has had one. */
  #resets = new Map();
  /** @type {Map<string, number>} Those that have changed since the last picture, and the attempt that says each. */
  #changed = new Map();
  #list = h("div", { class: "streams" });
  element = panel("Streams", [this.#list]);

  constructor() {
    this.element.hidden = true;
  }

  /**
   * Shows what a job says in its streams from now on.
   *
   * @param {Job} job
   * @returns {() => void} Ends it.
   */
  follow(job) {
    const offs = [
      job.on("reset", ({ data: { stream, attempt, keep } }) => this.#resets.set(stream, { attempt, keep })),
      job.on("stream", ({ stream, attempt }) => this.#draw(stream, attempt, job)),
    ];
    return () => {
      for (const off of offs) off();
    };
  }

  /**
   * Draws a stream with the next picture of the browser.
   *
   * @param {string} name
   * @param {number} attempt
   * @param {Job} job
   */
  #draw(name, attempt, job) {
    const isFirst = this.#changed.size === 0;
    this.#changed.set(name, attempt);
    if (isFirst) requestAnimationFrame(() => {
      for (const [one, by] of this.#changed) this.#show(one, by, job);
      this.#changed.clear();
    });
  }

  /** @param {string} name @param {number} attempt @param {Job} job */
  #show(name, attempt, job) {
    const { facts, note, text } = this.#row(name);
    const chunks = job.chunks(name);
    const reset = this.#resets.get(name);
    say(facts, `attempt ${attempt}, ${chunksOf(chunks.length)}`);
    const again = reset && `Attempt ${reset.attempt} began it again${reset.keep ? `, behind ${chunksOf(reset.keep)} that it keeps` : ""}. `;
    const { shown, left } = endOf(chunks);
    const cut = left && `The first ${chunksOf(left)} ${left === 1 ? "is" : "are"} not shown.`;
    say(note, `${again || ""}${cut || ""}`);
    note.hidden = !note.textContent;
    const follows = text.scrollTop + text.clientHeight >= text.scrollHeight - 4;
    say(text, shown);
    if (follows) text.scrollTop = text.scrollHeight; // a reader who has scrolled back is left alone
  }

  /** @param {string} name @returns {Row} */
  #row(name) {
    const known = this.#rows.get(name);
    if (known) return known;
    const row = {
      facts: h("span", { class: "muted" }),
      note: h("p", { class: "view-note", hidden: true }),
      text: h("pre", { class: "json", tabindex: 0, role: "group", "aria-label": `Stream ${name}` }),
    };
    const box = h("section", { class: "streams-one" }, h("h3", { class: "streams-name" }, h("span", { class: "mono" }, name), " ", row.facts), row.note, row.text);
    this.#rows.set(name, { box, ...row });
    this.#list.append(box);
    this.element.hidden = false;
    return { box, ...row };
  }
}

/**
 * Returns the end of a stream, as much as is shown, and how many chunks come before it.
 *
 * @param {unknown[]} chunks
 * @returns {{shown: string, left: number}}
 */
export function endOf(chunks) {
  let left = chunks.length;
  for (let room = SHOWN; left > 0 && room > 0; left -= 1) room -= textOf(chunks[left - 1]).length + 1;
  const last = chunks.slice(left);
  const isText = last.every((chunk) => typeof chunk === "string");
  return { shown: (isText ? last : last.map(textOf)).join(isText ? "" : "\n").slice(-SHOWN), left };
}

/** @param {unknown} chunk */
const textOf = (chunk) => (typeof chunk === "string" ? chunk : JSON.stringify(chunk));

/** @param {number} number */
const chunksOf = (number) => `${count(number)} ${number === 1 ? "chunk" : "chunks"}`;
