// @ts-check
/** The arithmetic of the charts: nothing here draws. */

/** Where the largest value is so many times the smallest, a linear axis would press most of them flat: it is logarithmic. */
const WIDE = 20;
/** Ticks of an axis, at the most. */
const MOST_TICKS = 7;
/** Seconds that people count in: above a second not all powers of ten are round. */
const ROUND = [
  ...[-6, -5, -4, -3, -2, -1].flatMap((power) => [1, 2, 5].map((factor) => Number(`${factor}e${power}`))),
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
];
const DAY = 86_400;

/**
 * @typedef {object} Scale
 * @property {boolean} logarithmic
 * @property {number[]} ticks Rising; all values lie between the first and the last.
 * @property {(value: number) => number} y Pixels from the top.
 */

/**
 * Returns where durations stand between round ones: on a logarithmic axis, which begins where they do, if they are of
 * several orders; else on a linear one, which begins at 0.
 *
 * @param {number[]} values Seconds.
 * @param {number} height Pixels.
 * @returns {Scale}
 */
export function vertical(values, height) {
  const above = values.filter((value) => value > 0);
  const [least, most] = [Math.min(...above), Math.max(...above)];
  if (above.length > 0 && most / least > WIDE) return logarithmic(least, most, height);
  const ticks = linearTicks(above.length > 0 ? most : 1);
  const high = ticks[ticks.length - 1];
  return { logarithmic: false, ticks, y: (value) => height - (height * value) / high };
}

/**
 * @param {number} least
 * @param {number} most
 * @param {number} height
 * @returns {Scale}
 */
function logarithmic(least, most, height) {
  const low = roundBelow(least);
  const high = roundAbove(most);
  const all = [low, ...between(low, high), high];
  const every = Math.ceil((all.length - 1) / (MOST_TICKS - 1));
  // The two ends, and every so manieth between them.
  const ticks = all.filter((_, at) => at % every === 0 && all.length - 1 - at >= every || at === all.length - 1);
  const span = Math.log(high / low);
  return { logarithmic: true, ticks, y: (value) => height - (height * Math.log(Math.max(value, low) / low)) / span };
}

/**
 * @param {number} most
 * @returns {number[]}
 */
function linearTicks(most) {
  const step = roundAbove(most / (MOST_TICKS - 2));
  return Array.from({ length: Math.max(1, Math.ceil(most / step - 1e-9)) + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

/** @param {number} low @param {number} high Round ones in between, without the two. */
const between = (low, high) => [...ROUND, ...days(high)].filter((one) => one > low && one < high);

/** @param {number} value */
const roundAbove = (value) => [...ROUND, ...days(value)].find((one) => one >= value) ?? value;

/** @param {number} value */
const roundBelow = (value) => [...ROUND, ...days(value)].findLast((one) => one <= value) ?? ROUND[0];

/** @param {number} most Days by 1, 2 and 5 and their tens, up to the first that is not below. @returns {number[]} */
function days(most) {
  const made = [];
  for (let ten = 1; ten <= 1e6; ten *= 10) {
    for (const factor of ten === 1 ? [2, 5] : [1, 2, 5]) {
      made.push(factor * ten * DAY);
      if (factor * ten * DAY >= most) return made;
    }
  }
  return made;
}

/**
 * Returns from which step on something is known: a chart begins where its data begins.
 *
 * @param {{count: number}[]} points
 * @param {number} least Steps that are shown at least.
 */
export function firstKnown(points, least) {
  const first = points.findIndex(({ count }) => count > 0);
  return Math.max(0, Math.min(first < 0 ? 0 : first - 1, points.length - least));
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
