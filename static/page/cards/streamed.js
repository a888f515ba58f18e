// @ts-check
/** The streams of a job, each as the text that it says: what stands here is at each moment what one attempt said. */

/** @import { Job } from "../../tidings.js" */
import { part, stamp } from "../template.js";

export class StreamedTexts {
  /** @type {Map<string, HTMLElement>} */
  #texts = new Map();
  /** @type {Set<string>} Those that have changed since the last picture. */
  #changed = new Set();
  #root;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  /**
   * Shows a stream that has changed, with the next picture that the browser draws.
   *
   * @param {string} name
   * @param {Job} job
   */
  show(name, job) {
    this.#changed.add(name);
    if (this.#changed.size === 1) requestAnimationFrame(() => this.#draw(job));
  }

  /** @param {Job} job */
  #draw(job) {
    for (const name of this.#changed) this.#element(name).textContent = textOf(job, name);
    this.#changed.clear();
  }

  /** @param {string} name */
  #element(name) {
    const known = this.#texts.get(name);
    if (known) return known;
    const box = stamp("stream");
    part(box, "name", HTMLElement).textContent = name;
    const text = part(box, "text", HTMLElement);
    text.setAttribute("aria-label", `Stream ${name}`);
    this.#texts.set(name, text);
    this.#root.hidden = false;
    this.#root.append(box);
    return text;
  }
}

/**
 * @param {Job} job
 * @param {string} name
 */
function textOf(job, name) {
  try {
    return job.text(name);
  } catch { // not all of its chunks are text
    return job.chunks(name).map((chunk) => JSON.stringify(chunk)).join("\n");
  }
}
