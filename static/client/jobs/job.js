// @ts-check
/**
 * One job, as its owner sees it, and the inlet through which the connection feeds it.
 *
 * Rules: events reach listeners in the order of their `seq`, each once; a snapshot is turned into
 * the events that were missed; after the end there is nothing.
 */

/** @import { Inlet, JobEvents, Link } from "./events.js" */
/** @import { Ack, IssuedGrant, JobEvent, Problem, Progress, Snapshot } from "../frame.js" */
import { EVENTS, STREAMED, TERMINAL } from "../codes.js";
import { Deferred } from "../deferred.js";
import { Emitter } from "../emitter.js";
import { TidingsError, localProblem } from "../error.js";
import { ChunkStream } from "./reading.js";
import { HeldStreams, requireChunkIndex, requireStreamName } from "./streams.js";

/**
 * One job, as its owner sees it. It comes from `submit` and `watch`; `for await` gives its events.
 *
 * @implements {AsyncIterable<JobEvent>}
 */
export class Job {
  /** @type {string | null} */
  #token;
  /** @type {string | null} */
  #status = null;
  /** @type {IssuedGrant | null} */
  #grant = null;
  /** @type {Progress | null} */
  #progress = null;
  #seq = 0;
  /** @type {JobEvent | null} The terminal event. */
  #last = null;
  /** @type {TidingsError | null} */
  #error = null;
  /** @type {JobEvent[] | null} Events that came before the snapshot they follow; null: none awaited. */
  #held = [];
  /** @type {Emitter<JobEvents>} */
  #emitter = new Emitter();
  /** @type {Set<{events: JobEvent[], wake: () => void}>} Who iterates: what waits for them, and what wakes them. */
  #readers = new Set();
  /** @type {Deferred<string>} */
  #accepted = new Deferred();
  /** @type {Deferred<any>} */
  #result = new Deferred();
  #streams = new HeldStreams();
  /** @type {Deferred<void>} What its streams bring next, or its end. */
  #news = new Deferred();
  /** @type {Link} */
  #link = { cancel: () => Promise.resolve(), signal: () => Promise.resolve(), unwatch: () => {}, again: () => {} };

  /**
   * Not for you: jobs come from `submit` and `watch`.
   *
   * @param {{token?: string, after?: number, key?: string | null}} from
   */
  constructor({ token, after = 0, key = null }) {
    /** @readonly The idempotency key; null for a job that is only watched. */
    this.key = key;
    this.#token = token ?? null;
    this.#seq = after;
    if (token) this.#accepted.resolve(token);
  }

  /** The job's name for clients; null until the ack. */
  get token() {
    return this.#token;
  }

  /** The grant that the submission asked for: `{grant, may, expires_at}`; null: none. */
  get grant() {
    return this.#grant;
  }

  /** The job's state; null until it is known. */
  get status() {
    return this.#status;
  }

  /** The newest progress; null if there was none. */
  get progress() {
    return this.#progress;
  }

  /** The number of the newest event seen: what `watch` takes as `after`. */
  get seq() {
    return this.#seq;
  }

  /** Whether nothing more will come: an outcome, a refusal, or no longer followed. */
  get finished() {
    return this.#last !== null || this.#error !== null;
  }

  /** Resolves to the token; rejects with a TidingsError if the job is not accepted. */
  get accepted() {
    return this.#accepted.promise;
  }

  /** Resolves to what the job returned; rejects with a TidingsError for any other end. */
  get result() {
    return this.#result.promise;
  }

  /**
   * The text of a stream so far, right after a reset too: at each moment the beginning of what one attempt said.
   *
   * @param {string} [name] Default: what a generator yields.
   * @returns {string}
   * @throws {TypeError} Its chunks are not all text.
   * @throws {RangeError} No stream may be called that.
   */
  text(name = "main") {
    return this.#streams.get(requireStreamName(name)).text;
  }

  /** The chunks of a stream so far, as `text`. @param {string} [name] @returns {any[]} */
  chunks(name = "main") {
    return [...this.#streams.get(requireStreamName(name)).chunks];
  }

  /**
   * A stream, chunk after chunk, to the end of the job: a `ReadableStream`, and an async iterable.
   *
   * @param {string} [name] Default: what a generator yields.
   * @param {{from?: number}} [options] `from`: the index of the first chunk wanted; default 0.
   * @returns {ChunkStream} It fails with the code `stream_reset` when a later attempt starts again, and chunks that were read
   *   are void: go on with `from` as `error.problem.keep` has it. With `invalid_frame`, when the job ends and has not as many.
   * @throws {RangeError} No stream may be called that, or `from` is no index.
   */
  stream(name = "main", { from = 0 } = {}) {
    return new ChunkStream(name, this.#streams.get(requireStreamName(name)), {
      state: () => ({ over: this.finished, error: this.#error }),
      news: () => this.#news.promise,
    }, requireChunkIndex(from));
  }

  /**
   * Calls `listener` at each event of that name, until the function returned is called.
   *
   * @template {keyof JobEvents} Name
   * @param {Name} name
   * @param {(event: JobEvents[Name]) => void} listener
   * @returns {() => void}
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /**
   * Asks that the job stop. Resolves when the server has taken note; how it ends comes as an event.
   *
   * @param {{signal?: AbortSignal}} [options] `signal`: waits for the answer no longer when it aborts.
   * @returns {Promise<void>} Rejects with a TidingsError: `already_finished`, `aborted`, or what the server says.
   */
  async cancel({ signal } = {}) {
    return this.#order(() => this.#link.cancel(), signal);
  }

  /**
   * Gives a saga a signal. Resolves when the server has it, durably; the saga may come to wait for it later.
   *
   * @param {string} name What the saga waits for: 1 to 128 letters, digits, `_`, `.` and `-`.
   * @param {any} [value] What it says, as JSON at most 64 KiB; default null.
   * @param {{key?: string, signal?: AbortSignal}} [options] `key`: signals of one name with the same key are the same
   *   signal; default: a new one. `signal`: waits for the answer no longer when it aborts.
   * @returns {Promise<void>} Rejects with a TidingsError: `already_finished`, `aborted`, or what the server says.
   */
  async signal(name, value = null, { key, signal } = {}) {
    return this.#order(() => this.#link.signal(name, value, key), signal);
  }

  /**
   * @param {() => Promise<void>} ask
   * @param {AbortSignal} [signal]
   * @returns {Promise<void>}
   */
  async #order(ask, signal) {
    // One that is only followed no longer goes on.
    if (this.finished && this.#error?.code !== "unwatched") {
      throw new TidingsError(localProblem("already_finished", "the job has already finished"));
    }
    return new Promise((resolve, reject) => {
      const abort = () => reject(new TidingsError(localProblem("aborted", "aborted by the caller")));
      if (signal?.aborted) return abort();
      signal?.addEventListener("abort", abort);
      const forget = () => signal?.removeEventListener("abort", abort);
      ask().then(resolve, reject).then(forget);
    });
  }

  /** Stops following; the job itself goes on. Its promises and iterators end with code `unwatched`. */
  unwatch() {
    if (this.finished) return;
    this.#link.unwatch();
    this.#refuse(UNWATCHED);
  }

  /** The same: stops following. */
  close() {
    this.unwatch();
  }

  /**
   * All events from now to the terminal one, none skipped however slow the reader. Those before:
   * `watch(token)` asks for the log again.
   *
   * @returns {AsyncGenerator<JobEvent, void>}
   */
  [Symbol.asyncIterator]() {
    const reader = { events: this.#last ? [this.#last] : [], wake: () => {} };
    this.#readers.add(reader);
    return this.#read(reader);
  }

  /** @param {{events: JobEvent[], wake: () => void}} reader */
  async *#read(reader) {
    try {
      for (;;) {
        for (let event; (event = reader.events.shift()); ) yield event;
        if (this.#error) throw this.#error;
        if (this.#last) return;
        await new Promise((wake) => { reader.wake = () => wake(null); });
      }
    } finally {
      this.#readers.delete(reader);
    }
  }

  // What the connection says.

  /**
   * Returns a job, and the inlet that stays with its maker.
   *
   * @param {{token?: string, after?: number, key?: string | null}} from
   * @returns {{job: Job, inlet: Inlet, bind: (link: Link) => void}}
   */
  static open(from) {
    const job = new Job(from);
    const inlet = {
      acked: (/** @type {Ack} */ ack) => job.#acked(ack),
      event: (/** @type {JobEvent} */ event) => job.#receive(event),
      snapshot: (/** @type {Snapshot} */ snapshot) => job.#catchUp(snapshot),
      found: (/** @type {Snapshot} */ snapshot) => job.#catchUp(snapshot, true),
      expiring: (/** @type {Problem} */ problem) => job.#emitter.emit("expiring", { problem }),
      refused: (/** @type {Problem} */ problem) => job.#refuse(problem),
      after: () => job.#streams.inDoubt ? 0 : job.#seq,
      interrupted: () => { job.#held ??= []; },
    };
    return { job, inlet, bind: (link) => { job.#link = link; } };
  }

  /** @param {Ack} ack */
  #acked(ack) {
    this.#token = ack.token;
    this.#grant = ack.grant ?? null;
    if (this.finished) return; // given up before it was accepted
    this.#accepted.resolve(ack.token);
    this.#emitter.emit("ack", ack);
    if (ack.duplicate) return; // an earlier job: the snapshot that follows holds what it has done
    this.#seq = ack.seq;
    this.#become(ack.status);
    this.#release();
  }

  /** @param {JobEvent} event */
  #receive(event) {
    if (this.#held) this.#held.push(event);
    else this.#take(event);
  }

  #release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const event of held) this.#take(event);
  }

  /** @param {JobEvent} event */
  #take(event) {
    if (event.seq <= this.#seq || this.finished) return;
    this.#seq = event.seq;
    if (EVENTS.has(event.event)) this.#deliver(event);
  }

  /** @param {JobEvent} event */
  #deliver(event) {
    if (event.event === "progress") this.#progress = event.data;
    const lost = STREAMED.has(event.event) && this.#streams.event(event);
    const terminal = TERMINAL.has(event.event);
    if (terminal) this.#last = event;
    this.#become(event.status);
    this.#emitter.emit(/** @type {"event"} */ (event.event), event);
    this.#emitter.emit("event", event);
    for (const { events, wake } of this.#readers) {
      events.push(event);
      wake();
    }
    if (STREAMED.has(event.event)) this.#changed([event.data.stream]);
    if (terminal) this.#finish(event);
    if (lost) this.#link.again();
  }

  /** @param {string[]} streams */
  #changed(streams) {
    this.#tell();
    for (const stream of streams) this.#emitter.emit("stream", { stream, attempt: this.#streams.get(stream).attempt });
  }

  /** Wakes those who read streams. */
  #tell() {
    const news = this.#news;
    this.#news = new Deferred();
    news.resolve();
  }

  /** @param {JobEvent} event */
  #finish(event) {
    this.#tell();
    if (event.event === "succeeded") {
      this.#result.resolve(event.data?.result);
    } else {
      const problem = event.data?.problem ?? localProblem(event.event, `the job ${OUTCOME[event.event]}`);
      this.#result.reject(new TidingsError(problem));
    }
    this.#emitter.emit("finished", event);
  }

  /** @param {string} status */
  #become(status) {
    const previous = this.#status;
    if (status === previous) return;
    this.#status = status;
    this.#emitter.emit("state", { status, previous });
  }

  /**
   * Turns a snapshot into the events that were missed.
   *
   * @param {Snapshot} snapshot
   * @param {boolean} [awaited] Whether the job waits for this one.
   */
  #catchUp(snapshot, awaited = snapshot.ref != null) {
    // One sent unasked continues from what others have seen; the one this job waits for is coming.
    if (this.finished || (this.#held && !awaited)) return;
    this.#emitter.emit("snapshot", snapshot);
    if (snapshot.rewound) this.#seq = snapshot.seq; // what was seen above it no longer happened
    const { token, seq, progress, milestones } = snapshot;
    const news = seq > this.#seq;
    if (seq >= this.#seq) this.#changed(this.#streams.snapshot(snapshot.streams));
    for (const chunk of snapshot.log ?? []) {
      this.#take({ token, event: "log", status: "running", ...chunk });
    }
    if (progress && news) {
      this.#deliver({ token, seq, event: "progress", status: "running", at: null, data: progress });
    }
    this.#seq = Math.max(this.#seq, seq);
    if (TERMINAL.has(snapshot.status)) {
      this.#deliver({
        token, seq, event: snapshot.status, status: snapshot.status, at: milestones?.finished ?? null,
        data: outcomeOf(snapshot),
      });
    } else {
      this.#become(snapshot.status);
      this.#release();
    }
  }

  /** @param {Problem} problem */
  #refuse(problem) {
    if (this.finished) return;
    this.#error = new TidingsError(problem);
    this.#tell();
    this.#accepted.reject(this.#error);
    this.#result.reject(this.#error);
    for (const { wake } of this.#readers) wake();
    this.#emitter.emit("refused", { problem });
  }
}

export const UNWATCHED = localProblem("unwatched", "this job is not followed here");

/** @type {Record<string, string>} */
const OUTCOME = { failed: "failed", cancelled: "was cancelled", expired: "passed its deadline" };

/** @param {Snapshot} snapshot */
function outcomeOf(snapshot) {
  if (snapshot.status === "succeeded") return { result: snapshot.result ?? null };
  return snapshot.problem ? { problem: snapshot.problem } : {};
}
