// @ts-check
/** @import { Problem } from "./frame.js" */

/** What the server, a job or this client says went wrong: `code` for programs, `problem` in full. */
export class TidingsError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail || problem.title);
    this.name = "TidingsError";
    /** @readonly Stable: one of the contract's codes, or `cancelled`, `expired`, `closed`, `unwatched`, `aborted`. */
    this.code = problem.code;
    /** @readonly The problem document (RFC 9457). */
    this.problem = problem;
  }
}

/**
 * Returns a problem of this client's own making.
 *
 * @param {string} code
 * @param {string} detail
 * @param {{limit?: number}} [extra]
 * @returns {Problem}
 */
export function localProblem(code, detail, extra = {}) {
  return { type: `urn:tidings:problem:${code}`, title: detail, status: 0, detail, code, ...extra };
}
