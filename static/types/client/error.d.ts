/**
 * Returns a problem of this client's own making.
 *
 * @param {string} code
 * @param {string} detail
 * @param {{limit?: number}} [extra]
 * @returns {Problem}
 */
export function localProblem(code: string, detail: string, extra?: {
    limit?: number;
}): Problem;
/** @import { Problem } from "./frame.js" */
/** What the server, a job or this client says went wrong: `code` for programs, `problem` in full. */
export class TidingsError extends Error {
    /** @param {Problem} problem */
    constructor(problem: Problem);
    /** @readonly Stable: one of the contract's codes, or `cancelled`, `expired`, `closed`, `unwatched`, `aborted`. */
    readonly code: string;
    /** @readonly The problem document (RFC 9457). */
    readonly problem: Problem;
}
import type { Problem } from "./frame.js";
