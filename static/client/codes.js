// @ts-check
/** Names and codes of the wire contract, version 1, as far as a client decides by them. */

export const SUBPROTOCOL = "tidings.v1.json";

/**
 * @typedef {object} CloseRule
 * @property {string} name
 * @property {boolean} reconnect Whether to open another socket by itself.
 */

/**
 * Why a socket closed, and whether to come back. A code that is not here (1011, say) is a failure
 * like any other: come back, after back-off.
 *
 * @type {ReadonlyMap<number, CloseRule>}
 */
export const CLOSE_CODES = new Map([
  [1000, { name: "normal", reconnect: false }],
  [1001, { name: "going_away", reconnect: true }],
  [1006, { name: "abnormal", reconnect: true }],
  [1009, { name: "too_large", reconnect: false }],
  [1012, { name: "draining", reconnect: true }],
  [4000, { name: "maximal_age", reconnect: true }],
  [4008, { name: "too_slow", reconnect: true }],
  [4029, { name: "rate_limited", reconnect: true }],
  [4400, { name: "bad_protocol", reconnect: false }],
  [4401, { name: "unauthenticated", reconnect: false }],
  [4403, { name: "forbidden", reconnect: false }],
]);

/** The code by which a socket is known that broke without a word. */
export const ABNORMAL = 1006;
export const NORMAL = 1000;

/** @type {ReadonlySet<string>} The states nothing leaves; events that announce them bear their names. */
export const TERMINAL = new Set(["succeeded", "failed", "cancelled", "expired"]);

/** @type {ReadonlySet<string>} The events this client knows; others are ignored. */
export const EVENTS = new Set([
  "queued", "started", "progress", "log", "step", "retrying", "waiting",
  ...TERMINAL,
]);

/** @type {ReadonlySet<string>} Refusals of a `watch` that pass by themselves: ask again. */
export const PASSING = new Set(["store_unavailable", "rate_limited", "internal_error"]);
