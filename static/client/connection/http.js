// @ts-check
/**
 * What both transports over HTTP have in common: frames become requests, answers become frames.
 *
 * A job that is followed is looked at first: the answer is its snapshot. What comes after it is
 * brought by the stream, or by polls: `follow()` of each learns that there is more to follow.
 */

/** @import { Surroundings } from "./connection.js" */
/** @import { Ear } from "./socket.js" */
import { ABNORMAL, DRAINING, TERMINAL, UNAUTHENTICATED } from "../codes.js";
import { TidingsError, localProblem } from "../error.js";
import { nameSegment, tokenSegment } from "../path.js";
import { besides } from "./socket.js";

/** Jobs followed at one time: what one stream may hold. */
const MOST = 100;

/** Tags followed at one time: each keeps one of the few connections that a browser opens. */
const MOST_TAGS = 3;

/** Problems that are the whole connection's, and the code with which a socket is closed for them. */
const LOSSES = new Map([["draining", DRAINING], ["unauthenticated", UNAUTHENTICATED]]);

/** Answers of a proxy before the server: HTTP status → code of the problem. */
const FOREIGN = new Map([
  [400, "invalid_frame"], [401, "unauthenticated"], [413, "too_large"], [414, "too_large"], [422, "invalid_frame"],
  [431, "too_large"],
]);

/** The longest that is stayed away because a date says so: the two clocks may disagree. */
const LONGEST_AWAY_S = 3600;

/** @typedef {{tag: string, ref: number, owner?: string, since?: string, grant?: string}} FollowedTag A `follow` frame. */

export class HttpTransport {
  proven = false;
  /** @type {Map<string, number>} Token → number of the newest event heard. */
  followed = new Map();
  /** @type {Map<string, string>} Token → the grant by which it is followed. */
  grants = new Map();
  /** @type {Map<string, FollowedTag>} */
  tags = new Map();
  #busy = 0;
  #abort = new AbortController();
  /** @type {string | null | undefined} */
  #credential = null;
  #base;

  /**
   * @param {URL} url Of the socket; the other paths lie beside it.
   * @param {Surroundings} world
   * @param {Ear} ear
   */
  constructor(url, world, ear) {
    this.#base = besides(url);
    /** @type {Surroundings} */
    this.world = world;
    /** @type {Ear} */
    this.ear = ear;
  }

  get quiet() {
    return this.#busy === 0;
  }

  open() {
    this.attempt(null, async () => {
      try {
        this.#credential = await this.world.credential?.();
      } catch (error) {
        return this.ear.lost(UNAUTHENTICATED, `no credential: ${error}`);
      }
      // Who has nothing but a grant may not see the kinds; that the server says so is enough.
      await this.fetch("kinds").catch((error) => { if (error.code !== "forbidden") throw error; });
      this.ear.frame({ type: "hello", limits: null });
    });
  }

  /**
   * @param {string} text
   * @param {boolean} [carried] Of a `watch`: a tag that is followed brings the job's events too.
   */
  send(text, carried) {
    const { type, ref, token, after, name, input, key, watch, tag, grant, owner, since } = JSON.parse(text);
    if (grant && token) this.grants.set(token, grant);
    this.attempt(ref, async () => {
      switch (type) {
        case "submit": return this.#submit(ref, text, watch);
        case "watch": return this.#watch(ref, token, after, carried);
        case "cancel": await this.fetch(`jobs/${tokenSegment(token)}`, { method: "DELETE", headers: this.by(token) }); break;
        case "signal": await this.#signal(token, name, input, key); break;
        case "unwatch": this.followed.delete(token); this.follow(); break;
        case "follow": return this.#followTag({ tag, ref, owner, since, grant });
        case "unfollow": this.tags.delete(tag); this.unfollowTag(tag);
      }
      this.ear.frame({ type: "done", ref });
    });
  }

  close() {
    this.#abort.abort();
  }

  // What the two build upon.

  /** There is more, or less, to follow. */
  follow() {}

  /**
   * A tag is to be followed, perhaps once more; the answer is a `following`.
   *
   * @param {FollowedTag} _
   * @returns {Promise<void>}
   */
  async followTag(_) {}

  /** @param {string} _ A tag that is followed no longer. */
  unfollowTag(_) {}

  /** Whether what follows a tag brings the events of its jobs, too. */
  carries = false;

  /**
   * Does something over the network; any failure becomes an error frame or the end of the transport.
   *
   * @param {number | null} ref The call it is done for.
   * @param {() => Promise<void>} work
   */
  async attempt(ref, work) {
    if (this.quiet) this.ear.frame({ type: "alive" }); // silence counts from here
    this.#busy += 1;
    try {
      await work();
    } catch (/** @type {any} */ error) {
      const problem = error instanceof TidingsError ? error.problem : null;
      const code = problem && LOSSES.get(problem.code);
      if (problem && ref && !code) this.ear.frame({ type: "error", ref, problem });
      else this.ear.lost(code ?? ABNORMAL, String(error), problem ? problem.retry_after : error?.awayS);
    } finally {
      this.#busy -= 1;
    }
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   * @throws {TidingsError} The server refuses.
   * @throws {Error} No answer, or one that is not the server's.
   */
  async fetch(path, init = {}) {
    const headers = new Headers(init.headers);
    if (this.#credential && !headers.has("authorization")) headers.set("authorization", `Bearer ${this.#credential}`);
    const response = await this.world.fetch(this.#base + path, { signal: this.#abort.signal, ...init, headers });
    this.ear.frame({ type: "alive" });
    if (response.ok || response.status === 304) return response;
    const problem = await response.json().catch(() => null);
    const code = problem?.code ?? FOREIGN.get(response.status);
    const detail = `HTTP ${response.status}`;
    const awayS = secondsOf(response.headers.get("retry-after"), this.world.now());
    throw code ? new TidingsError({ retry_after: awayS, detail, ...problem, code })
      : Object.assign(new Error(detail), { awayS });
  }

  /**
   * Reads what is known of a job, and passes it on.
   *
   * @param {number | null} ref
   * @param {string} token
   * @param {number} after
   * @param {Record<string, string>} [headers]
   * @returns {Promise<boolean>} Whether there was anything new.
   */
  async look(ref, token, after, headers) {
    const response = await this.fetch(`jobs/${tokenSegment(token)}?after=${after}`, { headers: { ...this.by(token), ...headers } });
    if (response.status === 304) return false;
    const snapshot = await response.json();
    this.tell({ ...snapshot, type: "snapshot", ref, rewound: after > snapshot.seq });
    return true;
  }

  /**
   * @param {string} token
   * @returns {Record<string, string>} The header that shows a job's grant, if it has one.
   */
  by(token) {
    const grant = this.grants.get(token);
    return grant ? { authorization: `Bearer ${grant}` } : {};
  }

  /** @param {any} frame An `event`, a `snapshot`, or an `error` that concerns a job. */
  tell(frame) {
    const { token, status, seq } = frame;
    if (frame.type === "error") { // of a grant
      if (frame.problem.code === "grant_expired") this.followed.delete(token);
    } else if (TERMINAL.has(status)) this.followed.delete(token);
    else if (this.followed.has(token)) this.followed.set(token, seq);
    this.ear.frame(frame);
  }

  /**
   * @param {number} ref
   * @param {string} token
   * @param {number} after
   * @param {boolean} [carried]
   */
  async #watch(ref, token, after, carried) {
    tokenSegment(token); // before it is followed: one stream is asked for all
    if (carried && this.carries) return void await this.look(ref, token, after);
    this.add(token, after);
    await this.look(ref, token, after);
    this.follow();
  }

  /** @param {FollowedTag} followed */
  async #followTag(followed) {
    if (this.tags.size >= MOST_TAGS && !this.tags.has(followed.tag)) {
      const detail = `at most ${MOST_TAGS} tags are followed at a time where sockets do not get through`;
      throw new TidingsError(localProblem("too_many_watches", detail, { limit: MOST_TAGS }));
    }
    this.tags.set(followed.tag, followed);
    try {
      await this.followTag(followed);
    } catch (error) {
      if (this.tags.get(followed.tag) === followed) this.tags.delete(followed.tag);
      throw error;
    }
  }

  /**
   * @param {number} ref
   * @param {string} body
   * @param {boolean} [watch] Whether its events are wanted.
   */
  async #submit(ref, body, watch = true) {
    const headers = { "content-type": "application/json" };
    const response = await this.fetch("jobs", { method: "POST", body, headers });
    const ack = await response.json();
    this.ear.frame({ ...ack, type: "ack", ref });
    if (!watch) return;
    if (ack.duplicate) return this.#watch(ref, ack.token, 0);
    this.add(ack.token, ack.seq);
    this.follow();
  }

  /**
   * @param {string} token
   * @param {string} name
   * @param {any} [input]
   * @param {string} [key]
   */
  async #signal(token, name, input = null, key = "") {
    if (!/^[!-~]*$/.test(key)) throw new TidingsError(localProblem("invalid_frame", "`key` takes 1 to 255 visible characters of ASCII"));
    const headers = { "content-type": "application/json", "idempotency-key": key, ...this.by(token) };
    const path = `jobs/${tokenSegment(token)}/signals/${nameSegment(name)}`;
    return this.fetch(path, { method: "POST", body: JSON.stringify(input), headers });
  }

  /**
   * @param {string} token
   * @param {number} seq
   */
  add(token, seq) {
    if (this.followed.size < MOST || this.followed.has(token)) return void this.followed.set(token, seq);
    const problem = localProblem("too_many_watches", `at most ${MOST} jobs are followed at a time`, { limit: MOST });
    this.ear.frame({ type: "error", ref: null, token, problem });
  }
}

/**
 * Returns the seconds that Retry-After says, in either of its forms (RFC 9110, section 10.2.3).
 *
 * @param {string | null} header
 * @param {number} now ms
 * @returns {number | undefined}
 */
function secondsOf(header, now) {
  if (header === null) return undefined;
  if (/^\s*\d{1,6}\s*$/.test(header)) return Number(header);
  const seconds = (Date.parse(header) - now) / 1000;
  return seconds > 0 ? Math.min(seconds, LONGEST_AWAY_S) : undefined;
}
