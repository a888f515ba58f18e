// @ts-check
/**
 * A table whose rows are replaced again and again.
 *
 * A row is known by its key and stays the same element, and a cell that says the same is not touched:
 * the focus, a selection and a screen reader's place stay where they are.
 */

import { h, say } from "./dom.js";

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} head
 * @property {boolean} [number] Stands to the right.
 * @property {boolean} [quiet] The heading is for screen readers alone.
 * @property {(row: Row) => string} [text]
 * @property {(row: Row) => string | null} [tone] `data-tone` of the cell.
 * @property {(row: () => Row) => HTMLElement} [make] What stands in the cell instead; `row()` is always the newest.
 * @property {(made: HTMLElement, row: Row) => void} [update]
 */

/** @template Row */
export class Table {
  element;
  #body = h("tbody");
  #empty;
  #columns;
  #key;
  /** @type {Map<string, {element: HTMLTableRowElement, row: Row, made: HTMLElement[]}>} */
  #rows = new Map();

  /**
   * @param {object} options
   * @param {string} options.caption For those who cannot see where it stands.
   * @param {Column<Row>[]} options.columns The first one names the row.
   * @param {(row: Row) => string} options.key
   * @param {string} options.empty What is said when there are none.
   */
  constructor({ caption, columns, key, empty }) {
    this.#columns = columns;
    this.#key = key;
    this.#empty = h("p", { class: "empty" }, empty);
    const heads = columns.map(({ head, number, quiet }) =>
      h("th", { scope: "col", class: number && "is-number" }, quiet ? h("span", { class: "visually-hidden" }, head) : head));
    this.element = h("div", { class: "scroll-x", tabindex: 0, role: "region", "aria-label": caption },
      h("table", { class: "table lines" },
        h("caption", { class: "visually-hidden" }, caption), h("thead", {}, h("tr", {}, heads)), this.#body),
      this.#empty);
  }

  /** @param {Row[]} rows */
  show(rows) {
    const keys = new Set(rows.map(this.#key));
    for (const [key, { element }] of this.#rows) {
      if (keys.has(key)) continue;
      element.remove();
      this.#rows.delete(key);
    }
    rows.forEach((row, at) => {
      const key = this.#key(row);
      let kept = this.#rows.get(key);
      if (!kept) this.#rows.set(key, kept = this.#add(key, row));
      kept.row = row;
      if (this.#body.children[at] !== kept.element) this.#body.insertBefore(kept.element, this.#body.children[at] ?? null);
      this.#fill(kept);
    });
    this.#empty.hidden = rows.length > 0;
  }

  /**
   * @param {string} key
   * @param {Row} row
   */
  #add(key, row) {
    /** @type {{element: HTMLTableRowElement, row: Row, made: HTMLElement[]}} */
    const kept = { element: h("tr", { "data-row": key, tabindex: -1 }), row, made: [] };
    this.#columns.forEach(({ number, make }, at) => {
      const made = make ? make(() => kept.row) : null;
      const cell = at === 0 ? h("th", { scope: "row" }, made) : h("td", { class: number && "is-number" }, made);
      kept.made.push(made ?? cell);
      kept.element.append(cell);
    });
    return kept;
  }

  /** @param {{element: HTMLTableRowElement, row: Row, made: HTMLElement[]}} kept */
  #fill({ row, made }) {
    this.#columns.forEach(({ text, tone, update }, at) => {
      if (text) say(made[at], text(row));
      if (tone) made[at].dataset.tone = tone(row) ?? "";
      update?.(made[at], row);
    });
  }
}

/**
 * A button in a row.
 *
 * @param {string} text
 * @param {() => void} act
 * @param {string} [more] Further classes.
 */
export function button(text, act, more = "") {
  return h("button", { class: `button is-small ${more}`, type: "button", onclick: act }, text);
}
