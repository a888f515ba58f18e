// @ts-check
/**
 * The end of a long list that keeps growing.
 *
 * However many lines come, the page holds the newest `SHOWN`, and is touched once for each frame it
 * draws. It keeps to the bottom unless the reader has scrolled up.
 */

import { part, stamp } from "../template.js";
import { count } from "../words.js";

const SHOWN = 150;
/** Within so many pixels of the bottom, a reader counts as being there. */
const NEAR = 24;

/** @template T */
export class Tail {
  element = stamp("tail");
  /** @type {T[]} */
  #waiting = [];
  #total = 0;
  #due = false;
  #lines;
  #render;

  /**
   * @param {string} name
   * @param {(item: T) => HTMLElement} render
   */
  constructor(name, render) {
    this.#render = render;
    this.#lines = part(this.element, "lines", HTMLElement);
    this.#lines.setAttribute("aria-label", name);
    part(this.element, "name", HTMLElement).textContent = name;
  }

  /** How many lines there were in all. */
  get total() {
    return this.#total;
  }

  /** @param {T} item */
  add(item) {
    this.#total += 1;
    this.#waiting.push(item);
    if (this.#waiting.length > SHOWN) this.#waiting.shift(); // a hidden page draws nothing for hours
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#due = false;
    const lines = this.#lines;
    const atBottom = lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR;
    lines.append(...this.#waiting.splice(0).map(this.#render));
    while (lines.childElementCount > SHOWN) lines.firstElementChild?.remove();
    const hidden = this.#total - lines.childElementCount;
    part(this.element, "count", HTMLElement).textContent =
      hidden > 0 ? `${count(this.#total)}, the last ${SHOWN} shown` : count(this.#total);
    if (atBottom) lines.scrollTop = lines.scrollHeight;
  }
}
