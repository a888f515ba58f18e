/** Names and codes of the wire contract, version 1, as far as a client decides by them. */
export const SUBPROTOCOL: "tidings.v1.json";
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
export const CLOSE_CODES: ReadonlyMap<number, CloseRule>;
/** The code by which a socket is known that broke without a word. */
export const ABNORMAL: 1006;
export const NORMAL: 1000;
export const DRAINING: 1012;
export const UNAUTHENTICATED: 4401;
/** @type {ReadonlySet<string>} The states nothing leaves; events that announce them bear their names. */
export const TERMINAL: ReadonlySet<string>;
/** @type {ReadonlySet<string>} The events of streams. */
export const STREAMED: ReadonlySet<string>;
/** @type {ReadonlySet<string>} The events this client knows; others are ignored. */
export const EVENTS: ReadonlySet<string>;
/** @type {ReadonlySet<string>} Refusals of a `watch` that pass by themselves: ask again. */
export const PASSING: ReadonlySet<string>;
/** The refusal that says: it is done, and replicas of the store have not confirmed it in time. */
export const UNCONFIRMED: "unconfirmed";
/** Answers in a row without a confirmation, after which the page gets the last one. */
export const MOST_UNCONFIRMED: 5;
export type CloseRule = {
    name: string;
    /**
     * Whether to open another socket by itself.
     */
    reconnect: boolean;
};
