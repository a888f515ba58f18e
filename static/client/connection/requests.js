// @ts-check
/** What is asked over the connection: numbers the calls, sends what may be sent, and gives each its answer. */

/** @import { Limits, Problem, ServerFrame } from "../frame.js" */
/** @import { Call } from "./calls.js" */
/** @import { Connection } from "./connection.js" */
import { Calls } from "./calls.js";
import { localProblem } from "../error.js";
import { toJson } from "../json.js";

/** Problems of a call that could not be read, perhaps not even its `ref`. */
const UNREADABLE = new Set(["invalid_frame", "too_large"]);

const UNBEARABLE = localProblem("invalid_frame", "every connection broke over this call");
export const CLOSED = localProblem("closed", "the connection is closed");

export class Requests {
  #calls = new Calls();
  #ref = 0;
  /** @type {Limits | null} As the server's greeting has them; null before it, and over HTTP. */
  limits = null;
  #connection;
  #later;

  /**
   * @param {() => Connection} connection Returns what carries them.
   * @param {(again: () => void, tries: number, problem: Problem) => void} later Calls `again` after back-off.
   */
  constructor(connection, later) {
    this.#connection = connection;
    this.#later = later;
  }

  /** Whether no caller waits for an answer. */
  get idle() {
    return this.#calls.idle;
  }

  /**
   * @param {Call["type"]} type
   * @param {object} fields
   * @param {{answered?: (frame: any) => void, refused?: (problem: Problem) => void, carried?: boolean}} [outcome]
   * @returns {Call}
   */
  make(type, fields, { answered = () => {}, refused = () => {}, carried } = {}) {
    const ref = ++this.#ref;
    return { ref, type, text: toJson({ type, ref, ...fields }), answered, refused, carried };
  }

  /** @param {Call} call */
  ask(call) {
    const connection = this.#connection();
    if (connection.state === "closed") return queueMicrotask(() => call.refused(CLOSED));
    this.#calls.add(call);
    connection.wake();
    this.pump();
  }

  pump() {
    if (this.#connection().writable) this.#calls.pump((call) => this.#send(call), this.limits);
  }

  /**
   * Takes a call back that was never sent.
   *
   * @param {Call} call
   * @returns {boolean} Whether it could be.
   */
  withdraw(call) {
    return this.#calls.withdraw(call);
  }

  /** @param {Extract<ServerFrame, {ref?: number | null}>} frame */
  answered(frame) {
    const call = this.#calls.take(frame.ref);
    if (frame.type !== "snapshot") call?.answered(frame);
  }

  /**
   * @param {number | null} ref
   * @param {Problem} problem
   * @returns {boolean} Whether it is of a call.
   */
  refused(ref, problem) {
    // This server is leaving and will close the socket; the next one is asked what this one did not answer.
    if (ref && problem.code === "draining") return true;
    const call = this.#calls.take(ref);
    if (!call) return ref === null && UNREADABLE.has(problem.code) && this.#calls.unread(problem);
    if (this.#calls.postpone(call, problem)) this.#again(call, problem);
    // The first cancel was done: only its confirmation was wanting.
    else if (call.type === "cancel" && call.unconfirmed && problem.code === "already_finished") call.answered(null);
    else call.refused(problem);
    this.pump();
    return true;
  }

  /**
   * @param {Call} call
   * @param {Problem} problem
   */
  #again(call, problem) {
    this.#later(() => {
      this.#calls.resume(call);
      this.pump();
    }, (call.unconfirmed ?? 1) - 1, problem);
  }

  /** Refuses what by now must have been meant by a refusal that did not say of what it was. */
  settle() {
    this.#calls.settle();
  }

  /**
   * The transport is gone: what it did not answer goes first on the next.
   *
   * @param {boolean} abrupt Perhaps because of what was sent.
   */
  lost(abrupt) {
    for (const call of this.#calls.requeue(abrupt)) call.refused(UNBEARABLE);
  }

  /** @param {Problem} problem Why nothing is answered any more. */
  end(problem) {
    for (const call of this.#calls.clear()) call.refused(problem);
  }

  /**
   * @param {Call} call
   * @returns {boolean} False: too large to be sent; the server would close the socket for it.
   */
  #send(call) {
    const limit = this.limits?.max_frame_bytes ?? Infinity;
    const bytes = new TextEncoder().encode(call.text).length;
    if (bytes > limit) {
      const detail = `${bytes} bytes; at most ${limit} are taken: send less, or a reference`;
      queueMicrotask(() => call.refused(localProblem("too_large", detail, { limit })));
      return false;
    }
    this.#connection().send(call.text, call.carried);
    return true;
  }
}
