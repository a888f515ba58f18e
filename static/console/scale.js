// @ts-check
/** The arithmetic of the charts: nothing here draws. */

import { ticksFor } from "../page/chart.js";

/**
 * Returns where values stand, and the round numbers between which they do.
 *
 * @param {number} most The largest value, above 0.
 * @param {number} height Pixels.
 */
export function vertical(most, height) {
  const ticks = ticksFor(0, most > 0 ? most : 1);
  const high = ticks[ticks.length - 1];
  return { ticks, y: (/** @type {number} */ value) => height - (height * value) / high };
}

/**
 * Returns the path of a line that is broken where nothing is known.
 *
 * @param {(number | null)[]} values
 * @param {(at: number) => number} x
 * @param {(value: number) => number} y
 */
export function path(values, x, y) {
  let pen = false;
  return values.map((value, at) => {
    if (value === null) {
      pen = false;
      return "";
    }
    const lone = !pen && (values[at + 1] ?? null) === null;
    const to = `${pen ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}${lone ? "h0.01" : ""}`;
    pen = true;
    return to;
  }).join("");
}

/**
 * Returns how strongly a cell of the heat map is painted: by the root, so that few are seen beside many.
 *
 * @param {number} count
 * @param {number} most In any cell.
 * @returns {number} 0 to 1; 0 for none alone.
 */
export function heat(count, most) {
  return count === 0 ? 0 : 0.12 + 0.88 * Math.sqrt(count / most);
}

/**
 * Returns which times are written below a chart: whole minutes, as many as there is room for.
 *
 * @param {number[]} times ms, rising.
 * @param {number} room How many fit.
 * @returns {number[]} Positions in `times`.
 */
export function timeTicks(times, room) {
  if (times.length === 0) return [];
  const span = times[times.length - 1] - times[0];
  const step = [60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400].map((s) => s * 1000)
    .find((ms) => span / ms <= room) ?? 86_400_000;
  return times.flatMap((time, at) => at > 0 && Math.floor(time / step) !== Math.floor(times[at - 1] / step) ? [at] : []);
}
