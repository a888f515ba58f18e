// @ts-check
/** How this page writes numbers. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** @param {number} value */
export const count = (value) => whole.format(value);

/** @param {number} value At most one digit after the point. */
export const figure = (value) => fine.format(value);

/** @param {number} value As many digits as it takes, up to six after the point. */
export const precise = (value) => value.toLocaleString("en", { maximumFractionDigits: 6 });

/** @param {number} cents */
export const money = (cents) => (cents / 100).toLocaleString("en", { style: "currency", currency: "EUR" });

/** @param {number} ms */
export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** @param {Date} date The time of day, to the millisecond. */
export function clock(date) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
