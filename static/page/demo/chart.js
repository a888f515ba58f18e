// @ts-check
/**
 * A bar chart in SVG.
 *
 * Across, everything is in percent, so that the drawing fits any width without being drawn again
 * and its text keeps its size; down, it is in pixels.
 */

import { figure, precise } from "../words.js";

/**
 * @typedef {object} Bars
 * @property {string} title For those who do not see it.
 * @property {string} x_label
 * @property {string} y_label
 * @property {string[]} labels
 * @property {number[]} values One for each label.
 */

/** Bars beyond are left to the table. */
export const MOST_BARS = 32;
const PLOT_TOP = 20;
const PLOT_HEIGHT = 150;
/** Letters that fit side by side in a narrow card, over all labels. */
const LETTERS_ACROSS = 48;
/** Fewer labels than this lie flat however long they are: there is room for a good part of them. */
const FEW = 5;
/** Of an upright label, so many letters are shown. */
const MOST_UPRIGHT = 14;
/** Height of one letter of an upright label, px, generously. */
const LETTER = 6.2;
/** Percent of the width kept for the axis. */
const AXIS = 10;
/** Percent of the width a bar takes at most: one alone would be a wall. */
const WIDEST = 16;

/**
 * @param {SVGSVGElement} svg
 * @param {Bars} bars
 */
export function drawBars(svg, bars) {
  const labels = bars.labels.slice(0, MOST_BARS);
  const values = bars.values.slice(0, MOST_BARS);
  const longest = Math.max(0, ...labels.map((label) => label.length));
  const room = Math.floor(LETTERS_ACROSS / labels.length);
  const upright = labels.length >= FEW && longest > room;
  const letters = upright ? MOST_UPRIGHT : room;
  const ticks = ticksFor(Math.min(0, ...values), Math.max(0, ...values));
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const y = (/** @type {number} */ value) => PLOT_TOP + (PLOT_HEIGHT * (high - value)) / (high - low || 1);
  const bottom = PLOT_TOP + PLOT_HEIGHT;
  const height = bottom + 22 + (upright ? Math.min(longest, MOST_UPRIGHT) * LETTER + 4 : 12);
  svg.setAttribute("height", String(height));
  svg.setAttribute("aria-label", describe(bars));
  svg.replaceChildren(
    ...ticks.flatMap((tick) => gridLine(tick, y(tick))),
    ...values.flatMap((value, at) => column(labels[at], value, at, values.length, y, { bottom, upright, letters })),
    text(bars.y_label, { x: "0%", y: 10, class: "chart-axis" }),
    text(bars.x_label, { x: "100%", y: height - 2, class: "chart-axis is-end" }),
  );
}

/**
 * @param {string} label
 * @param {number} value
 * @param {number} at
 * @param {number} of
 * @param {(value: number) => number} y
 * @param {{bottom: number, upright: boolean, letters: number}} layout
 */
function column(label, value, at, of, y, { bottom, upright, letters }) {
  const step = (100 - AXIS) / of;
  const x = AXIS + at * step;
  const [top, base] = [Math.min(y(value), y(0)), Math.max(y(value), y(0))];
  const width = Math.min(step * 0.72, WIDEST);
  const bar = element("rect", {
    x: `${x + (step - width) / 2}%`, width: `${width}%`, y: top, height: Math.max(base - top, 1), rx: 2,
    class: value < 0 ? "chart-bar is-below" : "chart-bar",
  });
  const title = element("title");
  title.textContent = `${label}: ${figure(value)}`;
  bar.append(title);
  const shown = label.length > letters ? `${label.slice(0, letters - 1)}…` : label;
  const name = text(shown, {
    x: `${x + step / 2}%`, y: bottom + (upright ? 6 : 14), class: upright ? "chart-label is-upright" : "chart-label",
  });
  return [bar, name];
}

/**
 * @param {number} tick
 * @param {number} y
 */
function gridLine(tick, y) {
  return [
    element("line", { x1: `${AXIS}%`, x2: "100%", y1: y, y2: y, class: tick === 0 ? "chart-zero" : "chart-grid" }),
    text(precise(tick), { x: `${AXIS - 1.5}%`, y: y + 4, class: "chart-tick" }),
  ];
}

/**
 * Returns round numbers, evenly spaced, that enclose what is between `low` and `high`.
 *
 * @param {number} low At most 0.
 * @param {number} high At least 0.
 * @returns {number[]} Rising, three to seven of them.
 */
export function ticksFor(low, high) {
  const span = high - low || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
}

/** @param {Bars} bars */
function describe({ title, labels, values, y_label: yLabel }) {
  if (values.length === 0) return title;
  const most = values.indexOf(Math.max(...values));
  const least = values.indexOf(Math.min(...values));
  return `${title}. ${yLabel}: highest ${labels[most]} (${figure(values[most])}), lowest ${labels[least]} (${figure(values[least])}).`;
}

/**
 * @param {string} content
 * @param {Record<string, string | number>} attributes
 */
function text(content, attributes) {
  const made = element("text", attributes);
  made.textContent = content;
  return made;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} [attributes]
 */
function element(name, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
