// @ts-check
/**
 * What was asked of the server and has no answer yet.
 *
 * Submits wait here while as many are in flight as the connection allows. When a socket breaks, a
 * submit, cancel or signal that was not answered is sent again on the next one: submits and signals
 * carry an idempotency key, so that sent twice is once; a cancel is harmless twice. A `watch` is
 * not kept: the jobs themselves say what to watch. For the same reasons what replicas of the store have not confirmed in
 * time is sent again after a while: it is done, and a failover may undo it.
 *
 * One call that the server, or a proxy before it, cannot bear must not be sent for ever, nor harm the others.
 */

/** @import { Limits, Problem } from "../frame.js" */
import { MOST_UNCONFIRMED, UNCONFIRMED } from "../codes.js";

/**
 * @typedef {object} Call
 * @property {number} ref
 * @property {string} text The frame. Made once, so that it is the same if it is sent again.
 * @property {"submit" | "cancel" | "signal" | "watch" | "unwatch" | "follow" | "unfollow" | "observe" | "unobserve"} type
 * @property {boolean} [carried] Of a `watch`: a tag that is followed brings the job's events too.
 * @property {boolean} [sent] It was sent at least once: the server may know of it.
 * @property {(frame: any) => void} answered
 * @property {(problem: Problem) => void} refused
 * @property {number} [broken] Connections that broke while it was under way.
 * @property {number} [unconfirmed] How often replicas of the store had not confirmed it.
 */

/** What ends something on the present connection: no caller waits for its answer. */
const PARTING = new Set(["unwatch", "unfollow"]);

/** What may be sent twice and counts once. */
const REPEATABLE = new Set(["submit", "cancel", "signal"]);

/** Connections that broke under a call, after which it is sent only when no other such call is under way. */
const ALONE_AFTER = 3;
/** And after which it is refused. */
const MOST_BROKEN = 10;

export class Calls {
  /** @type {Map<number, Call>} Sent on the present socket. */
  #sent = new Map();
  /** @type {Call[]} */
  #submits = [];
  /** @type {Call[]} */
  #others = [];
  #inFlight = 0;
  /** @type {Set<Call>} Not confirmed: they wait until they are sent again. */
  #unconfirmed = new Set();
  /** @type {Problem[]} Refusals that did not say of what. */
  #unread = [];
  /** @type {Set<number>} The refs that they may be of. */
  #suspects = new Set();

  /** Whether no caller waits for an answer. */
  get idle() {
    return [...this.#sent.values(), ...this.#submits, ...this.#others, ...this.#unconfirmed].every(({ type }) => PARTING.has(type));
  }

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
    for (const queue of [this.#others, this.#submits]) {
      for (let at = 0; at < queue.length && (queue === this.#others || this.#inFlight < allowed); ) {
        const call = queue[at];
        if (suspicious(call) && [...this.#sent.values()].some(suspicious)) at += 1;
        else this.#send(send, queue.splice(at, 1)[0]);
      }
    }
  }

  /**
   * @param {(call: Call) => boolean} send
   * @param {Call} call
   */
  #send(send, call) {
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
    this.#suspects.delete(ref);
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

  /**
   * Keeps a call that was taken out because of a refusal, if it is to be sent again.
   *
   * @param {Call} call
   * @param {Problem} problem
   * @returns {boolean} Whether it is.
   */
  postpone(call, problem) {
    if (problem.code !== UNCONFIRMED || !REPEATABLE.has(call.type)) return false;
    call.unconfirmed = (call.unconfirmed ?? 0) + 1;
    if (call.unconfirmed >= MOST_UNCONFIRMED) return false;
    this.#unconfirmed.add(call);
    return true;
  }

  /** @param {Call} call One that was postponed; another connection may have got it since. */
  resume(call) {
    if (this.#unconfirmed.delete(call)) this.add(call);
  }

  /**
   * A refusal came that does not say of what: it is of the call that has no answer when all others have.
   *
   * @param {Problem} problem
   * @returns {boolean} Whether there is one that it may be of.
   */
  unread(problem) {
    for (const ref of this.#sent.keys()) this.#suspects.add(ref);
    return this.#suspects.size > 0 && this.#unread.push(problem) > 0;
  }

  /** Refuses what by now must have been meant. */
  settle() {
    if (this.#suspects.size > this.#unread.length) return;
    for (const ref of [...this.#suspects]) this.take(ref)?.refused(/** @type {Problem} */ (this.#unread.pop()));
    this.#unread = [];
  }

  /**
   * The socket broke: what it did not answer goes first on the next.
   *
   * @param {boolean} abrupt Perhaps because of what was sent.
   * @returns {Call[]} What has broken every one, and is not sent again.
   */
  requeue(abrupt) {
    const again = [...this.#sent.values()];
    for (const call of again) call.broken = (call.broken ?? 0) + Number(abrupt);
    again.sort((one, other) => (one.broken ?? 0) - (other.broken ?? 0));
    const kept = again.filter(({ broken }) => (broken ?? 0) < MOST_BROKEN);
    this.#sent.clear();
    this.#suspects.clear();
    this.#unread = [];
    this.#inFlight = 0;
    kept.push(...this.#unconfirmed);
    this.#unconfirmed.clear();
    this.#submits.unshift(...kept.filter(({ type }) => type === "submit"));
    this.#others = [...kept, ...this.#others].filter(({ type }) => type === "cancel" || type === "signal");
    return again.filter(({ broken }) => (broken ?? 0) >= MOST_BROKEN);
  }

  /** @returns {Call[]} All there are, taken out. */
  clear() {
    const all = [...this.#sent.values(), ...this.#others, ...this.#submits, ...this.#unconfirmed];
    this.#sent.clear();
    this.#unconfirmed.clear();
    this.#others = [];
    this.#submits = [];
    this.#inFlight = 0;
    return all;
  }
}

/** @param {Call} call */
const suspicious = ({ broken = 0 }) => broken >= ALONE_AFTER;
