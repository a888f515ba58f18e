// @ts-check
/** A small line without axes: which way something goes. The number beside it says how much. */

import { svg } from "../parts/dom.js";
import { path } from "./scale.js";

/** px */
const WIDTH = 72;
const HEIGHT = 20;

export function spark() {
  return svg("svg", { class: "spark", width: WIDTH, height: HEIGHT, "aria-hidden": "true" }, svg("path", { class: "line-of is-accent" }));
}

/**
 * @param {Element} made
 * @param {number[]} values The newest last.
 * @param {number} room How many there may be.
 */
export function drawSpark(made, values, room) {
  const most = Math.max(1, ...values);
  const from = room - values.length;
  made.firstElementChild?.setAttribute("d", path(values,
    (at) => ((from + at) * WIDTH) / (room - 1), (value) => HEIGHT - 2 - ((HEIGHT - 4) * value) / most));
}
