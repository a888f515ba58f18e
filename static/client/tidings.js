// @ts-check
/** The client itself, without the fallbacks: `../tidings.js` is what users import. */

/** @import { Ack, Limits, OverviewFrame, Problem, ServerFrame } from "./frame.js" */
/** @import { Backoff } from "./backoff.js" */
/** @import { Call } from "./calls.js" */
/** @import { Credential, Lesser, State, StateChange, Surroundings, Timers } from "./connection.js" */
/** @import { Link } from "./job.js" */
/** @import { TrackedJob } from "./watches.js" */
import { socketAddress } from "./address.js";
import { BACKOFF, drawDelay } from "./backoff.js";
import { Calls } from "./calls.js";
import { CLOSE_CODES, NORMAL } from "./codes.js";
import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { TidingsError, localProblem } from "./error.js";
import { Job, UNWATCHED } from "./job.js";
import { toJson } from "./json.js";
import { Watches } from "./watches.js";

/**
 * @typedef {object} SubmitOptions
 * @property {string} [key] Idempotency key, 1 to 255 visible ASCII characters; default: a new one.
 *   The same key with the same input is the same job, for a day.
 * @property {number} [delay] Seconds before it may start; default 0.
 * @property {string} [at] Not before this moment (RFC 3339, with its offset); one that has passed means now. Not beside
 *   `delay`.
 * @property {number} [deadline] Seconds from now after which it is not worth finishing; default: none.
 * @property {string} [tier]
 * @property {string} [queue]
 * @property {number} [priority]
 * @property {string} [correlation_id] Your own name for it, echoed wherever the job shows.
 * @property {string} [traceparent] W3C trace context.
 * @property {string} [tracestate]
 * @property {AbortSignal} [signal] Cancels the job when it aborts.
 * @property {boolean} [watch] Whether the job is followed; default true. One that is not has a token and no events, and
 *   its `result` rejects with the code `unwatched`; it takes none of the connection's watches, and no right to watch.
 *
 * @typedef {object} Options
 * @property {() => Credential | Promise<Credential>} [credential] Returns who is calling: a JWT or an API key. Asked
 *   whenever it connects and when the server says that the last one runs out, so let it return a fresh one.
 * @property {number} [silenceMs] Without a word for so long, a connection counts as dead; default 60 000.
 * @property {number} [helloMs] How long a new one may take to be greeted; default 10 000.
 * @property {number} [stableMs] A connection that lasted so long forgets earlier failures; default 10 000.
 * @property {number} [upgradeMs] Between tries of a better transport, half to one and a half times; default 60 000.
 * @property {Partial<Backoff>} [backoff] Between connections; default {baseMs: 500, capMs: 30 000}.
 * @property {new (url: string, protocol: string) => WebSocket} [WebSocket] Default: the global one.
 * @property {(url: string, init?: RequestInit) => Promise<Response>} [fetch] Default: the global one.
 * @property {() => number} [now] Wall clock, ms; default Date.now.
 * @property {() => number} [random] Uniform in [0, 1); default Math.random.
 * @property {Timers} [timers] Default setTimeout and clearTimeout.
 * @property {EventTarget | null} [events] Source of `online`, `offline`, `visibilitychange`; default window.
 *
 * @typedef {object} TidingsEvents
 * @property {StateChange} state The connection's state changed.
 * @property {Problem} error The server complained of something that belongs to no call, or refused `observe`.
 * @property {OverviewFrame} overview How queues, workers and connections stand, each second: see `observe`.
 */

export class Tidings {
  /** @type {Connection} */
  #connection;
  #calls = new Calls();
  #watches = new Watches({
    watch: (token, after, refused) => this.#ask(this.#call("watch", { token, after }, { refused })),
    unwatch: (token) => this.#endWatch(token),
    later: (again, tries, problem) => this.#later(again, tries, problem),
    resumed: () => this.#connection.resumed(),
  });
  /** @type {Limits | null} */
  #limits = null;
  /** @type {readonly string[]} */
  #features = [];
  #ref = 0;
  /** @type {"observe" | "unobserve" | undefined} What to ask each server for; undefined: nothing. */
  #overview;
  /** @type {Emitter<TidingsEvents>} */
  #emitter = new Emitter();
  /** @type {Surroundings} */
  #world;
  /**
   * Connects at once, and keeps connected until `close()`.
   *
   * @param {string | URL} url `http(s)://` or `ws(s)://`, of the server or of its socket.
   * @param {Options} options
   * @param {Lesser} lesser What there is below the socket.
   * @throws {TypeError} `url` is no such address.
   */
  constructor(url, options, lesser) {
    this.#world = {
      WebSocket: globalThis.WebSocket,
      fetch: (input, init) => fetch(input, init),
      now: Date.now,
      random: Math.random,
      timers: { set: (f, ms) => setTimeout(f, ms), clear: (id) => clearTimeout(id) },
      events: globalThis.window ?? null,
      credential: undefined,
      silenceMs: 60_000,
      helloMs: 10_000,
      stableMs: 10_000,
      upgradeMs: 60_000,
      ...options,
      lesser,
      backoff: { ...BACKOFF, ...options.backoff },
    };
    this.#connection = new Connection(socketAddress(url), this.#world, {
      greeted: ({ limits, features = [] }) => {
        this.#limits = limits;
        this.#features = features;
        return this.#watches.prepare();
      },
      ready: () => this.#ready(),
      frame: (frame) => this.#receive(frame),
      lost: (abrupt) => this.#lost(abrupt),
      state: (change) => this.#changed(change),
    });
  }

  /** The connection's state. @returns {State} */
  get state() {
    return this.#connection.state;
  }

  /** Every limit of the connection, as the server's greeting has them; null before it, and over HTTP. */
  get limits() {
    return this.#limits;
  }

  /** What the server takes beyond version 1: `submit.x` for a field of a frame, `x` for a frame. */
  get features() {
    return this.#features;
  }

  /**
   * @template {keyof TidingsEvents} Name
   * @param {Name} name
   * @param {(event: TidingsEvents[Name]) => void} listener
   * @returns {() => void} Call it to hear no more.
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /**
   * Submits work; while there is no connection, it waits here.
   *
   * @param {string} kind
   * @param {object} input
   * @param {SubmitOptions} [options]
   * @returns {Job}
   * @throws {TypeError} Something in it has no form in JSON: NaN, half of a surrogate pair, a function, a cycle.
   */
  submit(kind, input, { signal, ...options } = {}) {
    const key = options.key ?? newKey();
    const entry = Job.open({ key });
    const call = this.#call("submit", { kind, input, ...options, key }, {
      answered: (/** @type {Ack} */ ack) => {
        if (options.watch === false) {
          entry.inlet.acked(ack);
          return entry.inlet.refused(UNWATCHED);
        }
        this.#watches.add(ack.token, entry);
        entry.inlet.acked(ack);
        if (entry.job.finished) this.#watches.remove(ack.token, entry); // unwatched before it had a token
      },
      refused: entry.inlet.refused,
    });
    entry.bind({
      ...this.#link(entry),
      cancel: () => this.#cancelSubmit(entry, call),
    });
    // Finished meanwhile: there is nothing to stop.
    if (signal) onAbort(entry.job, signal, () => void entry.job.cancel().catch(() => {}));
    this.#ask(call);
    return entry.job;
  }

  /**
   * Follows a job that was submitted before, here or elsewhere.
   *
   * @param {string} token
   * @param {{after?: number, signal?: AbortSignal}} [options] `after`: the last `seq` seen; default 0: the log
   *   from its start. `signal`: follows no longer when it aborts.
   * @returns {Job}
   */
  watch(token, { after = 0, signal } = {}) {
    const entry = Job.open({ token, after });
    entry.bind(this.#link(entry));
    try {
      toJson({ token, after });
    } catch (error) { // now, not on some later connection
      queueMicrotask(() => entry.inlet.refused(localProblem("unknown_token", `there is no such job: ${error}`)));
      return entry.job;
    }
    this.#watches.add(token, entry);
    if (signal) onAbort(entry.job, signal, () => entry.job.unwatch());
    if (this.#connection.writable) this.#watches.start(token);
    else if (this.state === "closed") queueMicrotask(() => entry.inlet.refused(CLOSED));
    return entry.job;
  }

  /**
   * Has the server send an `overview` each second, or stops it; after a break the client asks again. Only an
   * administrator may, and only over a socket: elsewhere nothing comes.
   *
   * @param {boolean} [wanted]
   */
  observe(wanted = true) {
    this.#overview = wanted ? "observe" : "unobserve";
    this.#askOverview();
  }

  /** Disconnects for good. Jobs go on at the server; their promises here end with code `closed`. */
  close() {
    this.#connection.close();
  }

  // Asking.

  /**
   * @param {Call["type"]} type
   * @param {object} fields
   * @param {{answered?: (frame: any) => void, refused?: (problem: Problem) => void}} outcome
   * @returns {Call}
   */
  #call(type, fields, { answered = () => {}, refused = () => {} }) {
    const ref = ++this.#ref;
    return { ref, type, text: toJson({ type, ref, ...fields }), answered, refused };
  }

  /** @param {Call} call */
  #ask(call) {
    if (this.state === "closed") return queueMicrotask(() => call.refused(CLOSED));
    this.#calls.add(call);
    this.#pump();
  }

  #pump() {
    if (this.#connection.writable) this.#calls.pump((call) => this.#send(call), this.#limits);
  }

  /**
   * @param {Call} call
   * @returns {boolean} False: too large to be sent; the server would close the socket for it.
   */
  #send(call) {
    const limit = this.#limits?.max_frame_bytes ?? Infinity;
    const bytes = new TextEncoder().encode(call.text).length;
    if (bytes > limit) {
      const detail = `${bytes} bytes; at most ${limit} are taken: send less, or a reference`;
      queueMicrotask(() => call.refused(localProblem("too_large", detail, { limit })));
      return false;
    }
    this.#connection.send(call.text);
    return true;
  }

  /**
   * @param {() => void} again
   * @param {number} tries
   * @param {Problem} problem
   */
  #later(again, tries, problem) {
    const delay = drawDelay(tries, this.#world.backoff, this.#world.random) + (problem.retry_after ?? 0) * 1000;
    this.#world.timers.set(() => { if (this.#connection.writable) again(); }, delay);
  }

  /**
   * @param {TrackedJob} entry
   * @returns {Link}
   */
  #link(entry) {
    const { job } = entry;
    return {
      cancel: () => this.#order("cancel", job),
      signal: (name, input, key = newKey()) => this.#order("signal", job, { name, input, key }),
      unwatch: () => { if (job.token) this.#watches.remove(job.token, entry); },
    };
  }

  /**
   * @param {"cancel" | "signal"} type
   * @param {Job} job Told when it has a token.
   * @param {object} [fields]
   * @returns {Promise<void>}
   */
  async #order(type, job, fields) {
    const token = job.token ?? await job.accepted;
    return new Promise((resolve, reject) => {
      this.#ask(this.#call(type, { token, ...fields }, {
        answered: () => resolve(),
        refused: (problem) => reject(new TidingsError(problem)),
      }));
    });
  }

  /**
   * @param {TrackedJob} entry
   * @param {Call} call
   */
  async #cancelSubmit({ job, inlet }, call) {
    if (this.#calls.withdraw(call)) {
      return inlet.refused(localProblem("cancelled", "cancelled before it was sent"));
    }
    return this.#order("cancel", job);
  }

  #askOverview() {
    if (this.#overview && this.#connection.writable) this.#ask(this.#call(this.#overview, {}, { refused: this.#complain }));
  }

  /** @param {string} token */
  #endWatch(token) {
    if (this.#connection.writable) this.#ask(this.#call("unwatch", { token }, {}));
  }

  // Hearing.

  #ready() {
    this.#watches.resume();
    this.#askOverview();
    this.#pump();
  }

  /** @param {boolean} abrupt */
  #lost(abrupt) {
    for (const call of this.#calls.requeue(abrupt)) call.refused(UNBEARABLE);
    this.#watches.interrupt();
  }

  /** @param {StateChange} change */
  #changed(change) {
    if (change.state === "closed") this.#giveUp(change);
    this.#emitter.emit("state", change);
  }

  /** @param {StateChange} change */
  #giveUp({ code = NORMAL, reason }) {
    const rule = CLOSE_CODES.get(code);
    const problem = code === NORMAL ? CLOSED : localProblem(rule?.name ?? "closed", reason || `closed with ${code}`);
    for (const call of this.#calls.clear()) call.refused(problem);
    this.#watches.end(problem);
  }

  /** @param {ServerFrame} frame */
  #receive(frame) {
    this.#hear(frame);
    this.#calls.settle();
  }

  /** @param {ServerFrame} frame */
  #hear(frame) {
    switch (frame.type) {
      case "event":
        return this.#watches.event(frame);
      case "overview":
        return this.#emitter.emit("overview", frame);
      case "snapshot":
        this.#calls.take(frame.ref);
        return this.#watches.snapshot(frame);
      case "ack":
      case "done":
        this.#calls.take(frame.ref)?.answered(frame);
        return this.#pump();
      case "error":
        if (frame.ref === null && frame.token) return this.#watches.vanished(frame.token, frame.problem);
        return this.#refused(frame.ref, frame.problem);
      default: // hello and goaway are the connection's; alive and pong say nothing; newer ones are not known here
    }
  }

  /** @param {Problem} problem */
  #complain = (problem) => this.#emitter.emit("error", problem);

  /**
   * @param {number | null} ref
   * @param {Problem} problem
   */
  #refused(ref, problem) {
    // This server is leaving and will close the socket; the next one is asked what this one did not answer.
    if (ref && problem.code === "draining") return;
    const call = this.#calls.take(ref);
    if (!call && ref === null && UNREADABLE.has(problem.code) && this.#calls.unread(problem)) return;
    if (!call) return this.#complain(problem);
    call.refused(problem);
    this.#pump();
  }
}

/** Problems of a call that could not be read, perhaps not even its `ref`. */
const UNREADABLE = new Set(["invalid_frame", "too_large"]);

const UNBEARABLE = localProblem("invalid_frame", "every connection broke over this call");
const CLOSED = localProblem("closed", "the connection is closed");

/**
 * @param {Job} job
 * @param {AbortSignal} signal
 * @param {() => void} act
 */
function onAbort(job, signal, act) {
  if (signal.aborted) return queueMicrotask(act);
  signal.addEventListener("abort", act, { once: true });
  const forget = () => signal.removeEventListener("abort", act);
  job.on("finished", forget);
  job.on("refused", forget);
}

/** Returns a new idempotency key: 128 random bits. Pages not loaded over TLS have no `randomUUID`. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
