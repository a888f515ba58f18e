// @ts-check
/**
 * A table of any length, of which only the rows in sight are there.
 *
 * All rows have one height, so where a row stands is a multiplication; the space that the others take
 * is padding. Rows carry `aria-rowindex`, and the table says how many there are in all. More are asked
 * for when the end comes into sight.
 */

import { h, mark, say } from "./dom.js";
import { slice } from "./slice.js";

/** px; `.rows .row` has it. */
export const ROW = 36;
/** rem between columns, and at the ends. */
const GAP = 1;
/** Rows above and below what is seen, so that a step or a turn of the wheel finds them there. */
const MARGIN = 12;

/**
 * @template Row
 * @typedef {object} Cell
 * @property {string} head
 * @property {[number, number]} wide How wide at least, in rem, and its share of what is left.
 * @property {(row: Row) => Node | string} cell
 */

/** @template Row */
export class Virtual {
  element;
  #body = h("div", { role: "rowgroup", class: "rows-body" });
  #box;
  #empty;
  #none;
  #cells;
  #key;
  #more;
  /** @type {Row[]} */
  #rows = [];
  /** @type {Map<string, {row: Row, element: HTMLElement}>} Those that are there. */
  #there = new Map();
  #due = false;

  /**
   * @param {object} options
   * @param {string} options.caption
   * @param {Cell<Row>[]} options.cells
   * @param {(row: Row) => string} options.key
   * @param {string} options.empty
   * @param {() => void} [options.more] The end is in sight. May be called often.
   */
  constructor({ caption, cells, key, empty, more = () => {} }) {
    this.#cells = cells;
    this.#key = key;
    this.#more = more;
    this.#none = empty;
    this.#empty = h("p", { class: "empty", hidden: true }, empty);
    this.#box = h("div", { class: "rows", tabindex: 0, role: "table", "aria-label": caption },
      h("div", { role: "rowgroup", class: "rows-head" },
        h("div", { role: "row", class: "row is-head", "aria-rowindex": 1 }, cells.map(({ head }) => h("span", { role: "columnheader", class: "cell" }, head)))),
      this.#body);
    this.#box.style.setProperty("--columns", cells.map(({ wide: [least, share] }) => `minmax(${least}rem, ${share}fr)`).join(" "));
    this.#box.style.setProperty("--least", `${cells.reduce((sum, { wide: [least] }) => sum + least + GAP, 0)}rem`);
    this.element = h("div", {}, this.#box, this.#empty);
    this.#box.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#soon()).observe(this.#box);
  }

  /**
   * @param {Row[]} rows All that are known.
   * @param {boolean} [complete] Whether there are no others: a page may be empty before the last.
   */
  show(rows, complete = true) {
    this.#rows = rows;
    say(this.#empty, complete ? this.#none : "None so far: still searching…");
    mark(this.#box, "aria-rowcount", String(rows.length + 1));
    this.#empty.hidden = rows.length > 0;
    this.#draw();
  }

  /** Whether the first row is in sight. */
  get atTop() {
    return this.#box.scrollTop < ROW;
  }

  /** Back to the first row. */
  top() {
    this.#box.scrollTop = 0;
  }

  #soon() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#due = false;
    const { from, to } = slice(this.#box.scrollTop, this.#box.clientHeight, ROW, this.#rows.length, MARGIN);
    const wanted = this.#rows.slice(from, to);
    const keys = new Set(wanted.map(this.#key));
    for (const [key, { element }] of this.#there) {
      if (keys.has(key)) continue;
      element.remove();
      this.#there.delete(key);
    }
    wanted.forEach((row, at) => this.#place(row, from + at, at));
    this.#body.style.paddingBlock = `${from * ROW}px ${(this.#rows.length - to) * ROW}px`;
    if (to >= this.#rows.length) this.#more();
  }

  /**
   * @param {Row} row
   * @param {number} index Among all.
   * @param {number} at Among those there.
   */
  #place(row, index, at) {
    const key = this.#key(row);
    let there = this.#there.get(key);
    if (there?.row !== row) {
      const focused = there ? controls(there.element).findIndex((one) => one === document.activeElement) : -1;
      const element = this.#make(row, key);
      if (there) there.element.replaceWith(element);
      this.#there.set(key, there = { row, element });
      if (focused >= 0) controls(element)[focused]?.focus({ preventScroll: true });
    }
    mark(there.element, "aria-rowindex", String(index + 2));
    if (this.#body.children[at] !== there.element) this.#body.insertBefore(there.element, this.#body.children[at] ?? null);
  }

  /**
   * @param {Row} row
   * @param {string} key
   */
  #make(row, key) {
    return h("div", { role: "row", class: "row", "data-row": key }, this.#cells.map(({ cell }) =>
      h("span", { role: "cell", class: "cell" }, cell(row))));
  }
}

/**
 * @param {Element} row
 * @returns {HTMLElement[]}
 */
const controls = (row) => [...row.querySelectorAll("a, button, input")].filter((one) => one instanceof HTMLElement);
