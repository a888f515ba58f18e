// @ts-check
/**
 * How long to wait before another try.
 *
 * Exponential with full jitter: uniform between nothing and the ceiling, which doubles with each
 * try. The jitter is drawn again every time, so that clients that failed together come back apart.
 */

/**
 * @typedef {object} Backoff
 * @property {number} baseMs The first ceiling, ms; default 500.
 * @property {number} capMs The highest ceiling, ms; default 30 000.
 */

/** @type {Backoff} */
export const BACKOFF = { baseMs: 500, capMs: 30_000 };

/**
 * Returns the wait before try number `tries`, in ms.
 *
 * @param {number} tries Failures so far, from 0.
 * @param {Backoff} backoff
 * @param {() => number} random Uniform in [0, 1).
 * @returns {number}
 */
export function drawDelay(tries, backoff, random) {
  return random() * Math.min(backoff.capMs, backoff.baseMs * 2 ** tries);
}
