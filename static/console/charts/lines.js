// @ts-check
/** Lines over time, in SVG; with a table that says the same. */

import { h, mark, say, svg } from "../parts/dom.js";
import { path, timeTicks, vertical } from "./scale.js";
import { NONE, moment } from "../parts/words.js";

/** px */
const HEIGHT = 180;
const LEFT = 56;
const TOP = 8;
const BOTTOM = 22;
const A_TIME = 80;
/** Rows of the table: it is for reading. */
const ROWS = 30;

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {string} tone Class `is-…` of the line.
 * @property {(number | null)[]} values One for each time.
 */

export class Lines {
  element;
  #svg = svg("svg", { class: "lines-chart", role: "img", height: HEIGHT });
  #legend = h("p", { class: "legend" });
  #readout = h("p", { class: "readout", "aria-hidden": "true" });
  #body = h("tbody");
  #head = h("tr");
  #times = /** @type {number[]} */ ([]);
  #lines = /** @type {Line[]} */ ([]);
  #width = 0;
  #title;
  #write;
  #tick;

  /**
   * @param {string} title
   * @param {(value: number) => string} write
   * @param {(value: number) => string} [tick] The same on the axis.
   */
  constructor(title, write, tick = write) {
    this.#title = title;
    this.#tick = tick;
    this.#write = write;
    this.element = h("div", { class: "chart-box" },
      h("div", { class: "chart-head" }, this.#legend, this.#readout), this.#svg,
      h("details", { class: "more" }, h("summary", { class: "more-summary" }, "As a table"),
        h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${title}, table` },
          h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, title), h("thead", {}, this.#head), this.#body))),
    );
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width === this.#width) return;
      this.#width = contentRect.width;
      this.#draw();
    }).observe(this.#svg);
    this.#svg.addEventListener("pointermove", (event) => this.#point(event.offsetX));
    this.#svg.addEventListener("pointerleave", () => this.#point(null));
  }

  /**
   * @param {number[]} times ms, rising.
   * @param {Line[]} lines
   */
  show(times, lines) {
    this.#times = times;
    this.#lines = lines;
    this.#draw();
    this.#tabulate();
    mark(this.#svg, "aria-label", this.#describe());
  }

  /** @param {number} at */
  #x = (at) => LEFT + ((this.#width - LEFT - 8) * at) / Math.max(1, this.#times.length - 1);

  #draw() {
    if (this.#width === 0) return;
    const height = HEIGHT - TOP - BOTTOM;
    const { ticks, y } = vertical(this.#lines.flatMap(({ values }) => values.filter((value) => value !== null)), height);
    const marks = timeTicks(this.#times, (this.#width - LEFT) / A_TIME);
    this.#svg.replaceChildren(
      ...ticks.flatMap((tick) => [
        svg("line", { class: "chart-grid", x1: LEFT, x2: this.#width, y1: TOP + y(tick), y2: TOP + y(tick) }),
        svg("text", { class: "chart-tick", x: LEFT - 8, y: TOP + y(tick) + 4 }, tick === 0 ? "0" : this.#tick(tick)),
      ]),
      ...marks.map((at) => svg("text", { class: "chart-label", x: this.#x(at), y: HEIGHT - 6 }, clock(this.#times[at]))),
      ...this.#lines.map(({ tone, values }) =>
        svg("path", { class: `line-of is-${tone}`, d: path(values, this.#x, (value) => TOP + y(value)) })),
      svg("line", { class: "crosshair", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" }),
    );
    this.#legend.replaceChildren(...this.#lines.map(({ name, tone }) =>
      h("span", { class: "legend-of" }, h("span", { class: `legend-mark is-${tone}`, "aria-hidden": "true" }), name)));
  }

  /** @param {number | null} offset px; null: nowhere. */
  #point(offset) {
    const cross = this.#svg.querySelector(".crosshair");
    const count = this.#times.length;
    if (!cross || count === 0) return;
    const at = offset === null ? -1 : Math.round(((offset - LEFT) / Math.max(1, this.#width - LEFT - 8)) * (count - 1));
    const inside = at >= 0 && at < count;
    cross.setAttribute("visibility", inside ? "visible" : "hidden");
    if (inside) for (const end of ["x1", "x2"]) cross.setAttribute(end, String(this.#x(at)));
    say(this.#readout, inside ? `${clock(this.#times[at], true)}  ${this.#lines.map(({ name, values }) =>
      `${name} ${this.#said(values[at])}`).join("  ")}` : "");
  }

  #tabulate() {
    this.#head.replaceChildren(h("th", { scope: "col" }, "Time"), ...this.#lines.map(({ name }) => h("th", { scope: "col", class: "is-number" }, name)));
    const from = Math.max(0, this.#times.length - ROWS);
    this.#body.replaceChildren(...this.#times.slice(from).map((time, at) => h("tr", {},
      h("th", { scope: "row" }, moment(time)),
      this.#lines.map(({ values }) => h("td", { class: "is-number" }, this.#said(values[from + at]))))).reverse());
  }

  /** @param {number | null | undefined} value */
  #said(value) {
    return value === null || value === undefined ? NONE : this.#write(value);
  }

  #describe() {
    const parts = this.#lines.map(({ name, values }) => {
      const known = values.filter((value) => value !== null);
      if (known.length === 0) return `${name}: nothing yet`;
      return `${name}: now ${this.#write(known[known.length - 1])}, at most ${this.#write(Math.max(...known))}`;
    });
    return `${this.#title}. ${parts.join("; ")}.`;
  }
}

/**
 * @param {number} time ms
 * @param {boolean} [exact]
 */
export function clock(time, exact = false) {
  return new Date(time).toLocaleTimeString("en-GB", exact ? {} : { hour: "2-digit", minute: "2-digit" });
}
