/**
 * What was asked of the server and has no answer yet.
 *
 * Submits wait here while as many are in flight as the connection allows. When a socket breaks, a
 * submit, cancel or signal that was not answered is sent again on the next one: submits and signals
 * carry an idempotency key, so that sent twice is once; a cancel is harmless twice. A `watch` is
 * not kept: the jobs themselves say what to watch.
 */
/** @import { Limits, Problem } from "./frame.js" */
/**
 * @typedef {object} Call
 * @property {number} ref
 * @property {string} text The frame. Made once, so that it is the same if it is sent again.
 * @property {"submit" | "cancel" | "signal" | "watch" | "unwatch"} type
 * @property {boolean} [sent] It was sent at least once: the server may know of it.
 * @property {(frame: any) => void} answered
 * @property {(problem: Problem) => void} refused
 */
export class Calls {
    /** @param {Call} call */
    add(call: Call): void;
    /**
     * Sends what may be sent.
     *
     * @param {(call: Call) => boolean} send Returns false if it settled the call instead.
     * @param {Limits | null} limits
     */
    pump(send: (call: Call) => boolean, limits: Limits | null): void;
    /**
     * Takes out the call that is being answered.
     *
     * @param {number | null | undefined} ref
     * @returns {Call | undefined}
     */
    take(ref: number | null | undefined): Call | undefined;
    /**
     * Takes out a call that was never sent.
     *
     * @param {Call} call
     * @returns {boolean} Whether it could be.
     */
    withdraw(call: Call): boolean;
    /** The socket broke: what it did not answer goes first on the next. */
    requeue(): void;
    /** @returns {Call[]} All there are, taken out. */
    clear(): Call[];
    #private;
}
export type Call = {
    ref: number;
    /**
     * The frame. Made once, so that it is the same if it is sent again.
     */
    text: string;
    type: "submit" | "cancel" | "signal" | "watch" | "unwatch";
    /**
     * It was sent at least once: the server may know of it.
     */
    sent?: boolean | undefined;
    answered: (frame: any) => void;
    refused: (problem: Problem) => void;
};
import type { Limits } from "./frame.js";
import type { Problem } from "./frame.js";
