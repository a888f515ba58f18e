// @ts-check
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
  /** @type {Map<number, Call>} Sent on the present socket. */
  #sent = new Map();
  /** @type {Call[]} */
  #submits = [];
  /** @type {Call[]} */
  #others = [];
  #inFlight = 0;

  /** @param {Call} call */
  add(call) {
    (call.type === "submit" ? this.#submits : this.#others).push(call);
  }

  /**
   * Sends what may be sent.
   *
   * @param {(call: Call) => boolean} send Returns false if it settled the call instead.
   * @param {Limits | null} limits
   */
  pump(send, limits) {
    const allowed = limits?.max_in_flight ?? Infinity;
    while (this.#others.length > 0) this.#send(send, this.#others);
    while (this.#submits.length > 0 && this.#inFlight < allowed) this.#send(send, this.#submits);
  }

  /**
   * @param {(call: Call) => boolean} send
   * @param {Call[]} queue
   */
  #send(send, queue) {
    const call = /** @type {Call} */ (queue.shift());
    if (!send(call)) return;
    call.sent = true;
    this.#sent.set(call.ref, call);
    if (call.type === "submit") this.#inFlight += 1;
  }

  /**
   * Takes out the call that is being answered.
   *
   * @param {number | null | undefined} ref
   * @returns {Call | undefined}
   */
  take(ref) {
    if (ref === null || ref === undefined) return undefined;
    const call = this.#sent.get(ref);
    if (this.#sent.delete(ref) && call?.type === "submit") this.#inFlight -= 1;
    return call;
  }

  /**
   * Takes out a call that was never sent.
   *
   * @param {Call} call
   * @returns {boolean} Whether it could be.
   */
  withdraw(call) {
    const at = call.sent ? -1 : this.#submits.indexOf(call);
    if (at >= 0) this.#submits.splice(at, 1);
    return at >= 0;
  }

  /** The socket broke: what it did not answer goes first on the next. */
  requeue() {
    const again = [...this.#sent.values()];
    this.#sent.clear();
    this.#inFlight = 0;
    this.#submits.unshift(...again.filter(({ type }) => type === "submit"));
    this.#others = [...again, ...this.#others].filter(({ type }) => type === "cancel" || type === "signal");
  }

  /** @returns {Call[]} All there are, taken out. */
  clear() {
    const all = [...this.#sent.values(), ...this.#others, ...this.#submits];
    this.#sent.clear();
    this.#others = [];
    this.#submits = [];
    this.#inFlight = 0;
    return all;
  }
}
