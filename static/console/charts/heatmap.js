// @ts-check
/** How many jobs took how long, over time: a heat map on a canvas. */

import { h, mark, say } from "../parts/dom.js";
import { clock } from "./lines.js";
import { heat, timeTicks } from "./scale.js";
import { brief, count, ms } from "../parts/words.js";

/** @import { Series } from "../types.js" */

/** px */
const HEIGHT = 180;
const LEFT = 56;
const BOTTOM = 22;
const A_TIME = 80;
/** A written edge needs so much height. */
const A_NAME = 18;

export class HeatMap {
  element;
  #canvas = h("canvas", { class: "heat", role: "img", height: HEIGHT });
  #readout = h("p", { class: "readout", "aria-hidden": "true" });
  /** @type {Series} */
  #series = { step: 1, points: [], edges: [] };
  #width = 0;
  #title;

  /** @param {string} title */
  constructor(title) {
    this.#title = title;
    this.element = h("div", { class: "chart-box" },
      h("div", { class: "chart-head" }, h("p", { class: "legend" }, "Few", h("span", { class: "heat-scale", "aria-hidden": "true" }), "many"), this.#readout),
      this.#canvas);
    mark(this.#canvas, "aria-label", this.#describe());
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width === this.#width) return;
      this.#width = contentRect.width;
      this.paint();
    }).observe(this.#canvas);
    this.#canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => this.#point(offsetX, offsetY));
    this.#canvas.addEventListener("pointerleave", () => say(this.#readout, ""));
  }

  /** @param {Series} series */
  show(series) {
    this.#series = series;
    this.paint();
    mark(this.#canvas, "aria-label", this.#describe());
  }

  /** Rows of the map: one for each interval of the edges, the quickest lowest. */
  get #rows() {
    const { points, edges } = this.#series;
    return Math.max(edges.length, ...points.map(({ cells }) => cells.length), 1);
  }

  /** Paints it again, in the colours of now. */
  paint() {
    const paper = this.#canvas.getContext("2d");
    if (!paper || this.#width === 0) return;
    const ratio = devicePixelRatio || 1;
    this.#canvas.width = this.#width * ratio;
    this.#canvas.height = HEIGHT * ratio;
    paper.scale(ratio, ratio);
    const style = getComputedStyle(this.#canvas);
    const { points, edges } = this.#series;
    const [wide, high] = this.#cell();
    const most = Math.max(1, ...points.flatMap(({ cells }) => cells));
    paper.fillStyle = style.fill;
    points.forEach(({ cells }, at) => cells.forEach((cell, row) => {
      if (cell === 0) return;
      paper.globalAlpha = heat(cell, most);
      paper.fillRect(LEFT + at * wide, HEIGHT - BOTTOM - (row + 1) * high, Math.max(1, wide - 0.5), Math.max(1, high - 0.5));
    }));
    paper.globalAlpha = 1;
    paper.fillStyle = style.color;
    paper.font = `11px ${style.fontFamily}`;
    paper.textAlign = "right";
    const every = Math.max(1, Math.ceil(A_NAME / high));
    edges.forEach((edge, at) => {
      if (at % every === 0) paper.fillText(brief(edge), LEFT - 8, HEIGHT - BOTTOM - (at + 1) * high + 4);
    });
    paper.textAlign = "center";
    const times = points.map((point) => ms(point.at) ?? 0);
    for (const at of timeTicks(times, (this.#width - LEFT) / A_TIME)) paper.fillText(clock(times[at]), LEFT + at * wide, HEIGHT - 6);
  }

  /** @returns {[number, number]} px */
  #cell() {
    return [(this.#width - LEFT) / Math.max(1, this.#series.points.length), (HEIGHT - BOTTOM - 8) / this.#rows];
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #point(x, y) {
    const [wide, high] = this.#cell();
    const { points } = this.#series;
    const point = points[Math.floor((x - LEFT) / wide)];
    const row = Math.floor((HEIGHT - BOTTOM - y) / high);
    const cell = point?.cells[row];
    say(this.#readout, cell === undefined ? "" : `${clock(ms(point.at) ?? 0, true)}  ${this.#range(row)}  ${count(cell)} jobs`);
  }

  /** @param {number} row */
  #range(row) {
    const { edges } = this.#series;
    if (row === 0) return `up to ${brief(edges[0])}`;
    return row < edges.length ? `${brief(edges[row - 1])} to ${brief(edges[row])}` : `over ${brief(edges[edges.length - 1])}`;
  }

  #describe() {
    const totals = Array.from({ length: this.#rows }, (_, row) => this.#series.points.reduce((sum, { cells }) => sum + (cells[row] ?? 0), 0));
    const all = totals.reduce((sum, one) => sum + one, 0);
    if (all === 0) return `${this.#title}: no jobs ended yet.`;
    const most = totals.indexOf(Math.max(...totals));
    const slowest = totals.findLastIndex((one) => one > 0);
    return `${this.#title}: ${count(all)} jobs; most took ${this.#range(most)} (${count(totals[most])}), the slowest ${this.#range(slowest)} (${count(totals[slowest])}).`;
  }
}
