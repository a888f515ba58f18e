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
export const CLOSE_CODES = new Map(/** @type {const} */ ([
  [1000, "normal", false],
  [1001, "going_away", true],
  [1006, "abnormal", true],
  [1009, "too_large", false],
  [1012, "draining", true],
  [4000, "maximal_age", true],
  [4008, "too_slow", true],
  [4029, "rate_limited", true],
  [4400, "bad_protocol", false],
  [4401, "unauthenticated", false],
  [4403, "forbidden", false],
]).map(([code, name, reconnect]) => [code, { name, reconnect }]));

/** The code by which a socket is known that broke without a word. */
export const ABNORMAL = 1006;
export const NORMAL = 1000;
export const DRAINING = 1012;
export const UNAUTHENTICATED = 4401;

/** @type {ReadonlySet<string>} The states nothing leaves; events that announce them bear their names. */
export const TERMINAL = new Set(["succeeded", "failed", "cancelled", "expired"]);

/** @type {ReadonlySet<string>} The events of streams. */
export const STREAMED = new Set(["chunk", "chunks", "reset"]);

/** @type {ReadonlySet<string>} The events this client knows; others are ignored. */
export const EVENTS = new Set([
  "queued", "started", "progress", "log", "step", "retrying", "waiting",
  ...STREAMED, ...TERMINAL,
]);

/** @type {ReadonlySet<string>} Refusals of a `watch` that pass by themselves: ask again. */
export const PASSING = new Set(["store_unavailable", "rate_limited", "internal_error"]);

/** The refusal that says: it is done, and replicas of the store have not confirmed it in time. */
export const UNCONFIRMED = "unconfirmed";

/** Answers in a row without a confirmation, after which the page gets the last one. */
export const MOST_UNCONFIRMED = 5;
