// @ts-check
/**
 * The jobs this browser knows, across reloads and tabs.
 *
 * Each change reads the list again, for another tab may have changed it since. Where storage is
 * refused, as in some private windows, the page works and forgets.
 */

/**
 * @typedef {object} Remembered
 * @property {string} token
 * @property {string} kind
 * @property {string} label
 * @property {number} at When it was submitted, by this browser's clock, ms since 1970.
 */

const KEY = "tidings.jobs";
/** How many are remembered; the oldest are forgotten first. */
const MOST = 100;

/** @returns {Remembered[]} Oldest first. */
export function remembered() {
  try {
    const list = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(list) ? list.filter((job) => typeof job?.token === "string") : [];
  } catch {
    return [];
  }
}

/** @param {Remembered} job */
export function remember(job) {
  write([...remembered().filter(({ token }) => token !== job.token), job].slice(-MOST));
}

/** @param {string[]} tokens */
export function forget(tokens) {
  write(remembered().filter(({ token }) => !tokens.includes(token)));
}

/** @param {() => void} listener Called when another tab changed the list. */
export function onChangeElsewhere(listener) {
  window.addEventListener("storage", ({ key }) => { if (key === KEY || key === null) listener(); });
}

/** @param {Remembered[]} list */
function write(list) {
  try {
    localStorage.setItem(KEY, JSON.stringify(list));
  } catch {
    // Nothing is lost but the memory.
  }
}
