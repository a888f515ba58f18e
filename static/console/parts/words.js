// @ts-check
/** How the console writes what it measures. */

import { count, duration, size } from "../../page/words.js";

export { count, size };

/** What is not known. */
export const NONE = "–";

/** @param {number | null | undefined} seconds */
export function took(seconds) {
  return seconds === null || seconds === undefined ? NONE : long(seconds);
}

/** @param {number} seconds */
function long(seconds) {
  if (seconds < 60) return duration(seconds * 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

const UNITS = /** @type {const} */ ([["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]]);

/** @param {number} seconds As short as an axis needs it: in the units that people count in, never a part of a minute. */
export function brief(seconds) {
  if (seconds < 0.001) return `${Number((seconds * 1e6).toPrecision(3))} µs`;
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(3))} ms`;
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  let left = Math.round(seconds);
  const parts = [];
  for (const [unit, length] of UNITS) {
    const many = Math.floor(left / length);
    left -= many * length;
    if (many > 0) parts.push(`${many} ${unit}`);
  }
  return parts.slice(0, 2).join(" ");
}

/** @param {number} perSecond */
export function rate(perSecond) {
  if (perSecond === 0) return "0";
  return perSecond < 10 ? perSecond.toFixed(1) : count(perSecond);
}

/** @param {number | null | undefined} part Of one. */
export function percent(part) {
  if (part === null || part === undefined) return NONE;
  const value = part * 100;
  // 99.96 % is not 100 %: what falls short is never rounded away.
  const digits = value === 100 || value === 0 ? 0 : Math.abs(value) >= 99 ? 2 : 1;
  const text = value.toFixed(digits);
  return `${value < 100 && Number(text) === 100 ? "99.99" : text} %`;
}

/** @import { Time } from "../types.js" */

/** @param {Time} at @returns {number | null} ms */
export const ms = (at) => (at === null || at === undefined || at === "" ? null : typeof at === "number" ? at : Date.parse(at));

/**
 * @param {Time} at
 * @param {number} [now] ms
 */
export function ago(at, now = Date.now()) {
  const then = ms(at);
  if (then === null) return NONE;
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  return seconds === 0 ? "now" : `${whole(seconds)} ago`;
}

/** @param {number | null | undefined} seconds In whole seconds, minutes, hours, days: what only grows is not read to the ms. */
export function whole(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  return seconds < 60 ? `${Math.round(seconds)} s` : long(seconds);
}

/** @param {Time} at The time of day, and the date where it is another day's. */
export function moment(at) {
  const then = ms(at);
  if (then === null) return NONE;
  const date = new Date(then);
  const time = date.toLocaleTimeString("en-GB");
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString("sv-SE")} ${time}`;
}

/** @param {unknown} error */
export const message = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Says what an overview lacks, because nodes of the store's cluster do not answer; empty: nothing.
 *
 * @param {import("../types.js").Overview["store"]} store
 */
export function missingParts({ silent_nodes: nodes = [], missing_queues: queues = [], stale = [] }) {
  const parts = [];
  if (nodes.length > 0) parts.push(`These nodes of the store do not answer: ${nodes.join(", ")}.`);
  if (queues.length > 0) parts.push(`Nothing is known at the moment of the queues ${queues.join(", ")}.`);
  if (stale.length > 0) parts.push(`Not new: ${stale.join(", ")}.`);
  return parts.join(" ");
}
