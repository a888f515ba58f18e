// @ts-check
/** The client itself, without the fallbacks: `../tidings.js` is what users import. */

/** @import { Ack, Limits, OverviewFrame, Problem, ServerFrame, Webhook } from "./frame.js" */
/** @import { Backoff } from "./backoff.js" */
/** @import { Call } from "./calls.js" */
/** @import { Credential, Lesser, State, StateChange, Surroundings, Timers } from "./connection.js" */
/** @import { GrantSource } from "./grants.js" */
/** @import { Link } from "./job.js" */
/** @import { TrackedJob } from "./watches.js" */
import { socketAddress } from "./address.js";
import { BACKOFF, drawDelay } from "./backoff.js";
import { Calls } from "./calls.js";
import { CLOSE_CODES, NORMAL, UNAUTHENTICATED } from "./codes.js";
import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { TidingsError, localProblem } from "./error.js";
import { Grants } from "./grants.js";
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
 * @property {string[]} [tags] At most 8, by which its owner lists and follows jobs.
 * @property {string} [correlation_id] Your own name for it, echoed wherever the job shows.
 * @property {string} [traceparent] W3C trace context.
 * @property {string} [tracestate]
 * @property {string} [owner] For whom the job is, who then owns it; wants the scope `delegate`. It is followed by its
 *   `grant` alone: without one, say `watch: false`.
 * @property {boolean | {may?: ("watch" | "cancel" | "signal")[], ttl?: number}} [grant] Whether the ack brings a grant for
 *   the job, whose bearer may do what it says, by default watch it, for `ttl` seconds, by default 900.
 * @property {string | Webhook} [webhook] Where workers post how the job ended, and what else happens to it; a string is
 *   its URL. Wants a server that names `submit.webhook` in `features`.
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
    watch: (token, after, refused) => this.#follow(token, after, refused),
    unwatch: (token) => this.#endWatch(token),
    later: (again, tries, problem) => this.#later(again, tries, problem),
    resumed: () => this.#connection.resumed(),
  });
  #grants = new Grants();
  /** @type {Limits | null} */
  #limits = null;
  /** @type {readonly string[]} */
  #features = [];
  /** The page has no credential of its own. */
  #bare = false;
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
      credential: undefined, // below
      silenceMs: 60_000,
      helloMs: 10_000,
      stableMs: 10_000,
      upgradeMs: 60_000,
      ...options,
      lesser,
      backoff: { ...BACKOFF, ...options.backoff },
    };
    const { credential } = options;
    // A page without a credential shows the grant of a job that it follows.
    Object.defineProperty(this.#world, "credential", { get: () => credential ?? this.#grants.credential });
    this.#bare = !credential;
    this.#connection = new Connection(socketAddress(url), this.#world, {
      greeted: ({ limits, features = [] }) => {
        this.#limits = limits;
        this.#features = features;
        return this.#watches.prepare();
      },
      ready: () => this.#ready(),
      idle: () => this.#bare && this.#calls.idle && this.#watches.idle,
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
    if (typeof options.webhook === "string") options.webhook = { url: options.webhook };
    const entry = Job.open({ key });
    const call = this.#call("submit", { kind, input, ...options, key }, {
      answered: (/** @type {Ack} */ ack) => {
        if (options.watch === false) {
          entry.inlet.acked(ack);
          return entry.inlet.refused(UNWATCHED);
        }
        // What is another's is followed by the grant that came with it.
        if (options.owner && ack.grant) this.#grants.keep(ack.token, ack.grant.grant);
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
   * @param {{after?: number, signal?: AbortSignal, grant?: GrantSource}} [options] `after`: the last `seq` seen;
   *   default 0: the log from its start. `signal`: follows no longer when it aborts. `grant`: a grant for the job, where
   *   the page's credential does not open it; or a callback that returns one, asked at every connect and when the last
   *   one is about to run out. A page with a grant needs no credential.
   * @returns {Job}
   */
  watch(token, { after = 0, signal, grant } = {}) {
    const entry = Job.open({ token, after });
    entry.bind(this.#link(entry));
    try {
      toJson({ token, after });
    } catch (error) { // now, not on some later connection
      queueMicrotask(() => entry.inlet.refused(localProblem("unknown_token", `there is no such job: ${error}`)));
      return entry.job;
    }
    if (grant !== undefined) this.#grants.keep(token, grant);
    this.#watches.add(token, entry);
    if (signal) onAbort(entry.job, signal, () => entry.job.unwatch());
    this.#connection.wake();
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
    this.#connection.wake();
    this.#pump();
  }

  /**
   * @param {string} token
   * @param {number} after
   * @param {(problem: Problem) => void} refused
   */
  #follow(token, after, refused) {
    if (this.#grants.lacks(token)) return void this.#renew(token);
    this.#ask(this.#call("watch", { token, after, ...this.#grants.field(token) }, { refused }));
  }

  /**
   * Fetches a grant, and watches the job with it.
   *
   * @param {string} token
   * @param {number} [tries]
   */
  async #renew(token, tries = 0) {
    try {
      await this.#grants.fetch(token);
      if (this.#connection.writable) this.#watches.start(token);
    } catch (error) { // of the page's own code: the job goes on, and it is asked again
      const problem = localProblem("unauthenticated", `no grant: ${error}`);
      this.#complain(problem);
      this.#later(() => void this.#renew(token, tries + 1), tries, problem);
    }
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
      this.#ask(this.#call(type, { token, ...fields, ...this.#grants.field(token) }, {
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
    this.#grants.interrupt();
  }

  /** @param {StateChange} change */
  #changed(change) {
    if (change.state === "closed") this.#giveUp(change);
    // A grant that was refused, and is what it is, will not do on the next connection either.
    else if (change.code === UNAUTHENTICATED && this.#bare) for (const token of this.#grants.fixed) this.#expire(token);
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
        if (frame.ref === null && frame.token) return this.#warned(frame.token, frame.problem);
        return this.#refused(frame.ref, frame.problem);
      default: // hello and goaway are the connection's; alive and pong say nothing; newer ones are not known here
    }
  }

  /**
   * @param {string} token
   * @param {Problem} problem
   */
  #warned(token, problem) {
    const ends = problem.code === "grant_expired";
    if ((ends || problem.code === "grant_expiring") && this.#grants.renews(token)) return void this.#renew(token);
    if (ends) this.#expire(token, problem);
    else if (problem.code !== "grant_expiring") this.#watches.vanished(token, problem);
  }

  /**
   * @param {string} token
   * @param {Problem} problem
   */
  #expire(token, problem = EXPIRED) {
    this.#grants.forget(token);
    this.#watches.vanished(token, problem);
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
const EXPIRED = localProblem("grant_expired", "the grant is not accepted any more");
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
