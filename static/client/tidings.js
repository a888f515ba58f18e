// @ts-check
/** The client itself, without the fallbacks: `../tidings.js` is what users import. */

/** @import { Ack, Problem, ServerFrame } from "./frame.js" */
/** @import { Lesser, State, StateChange, Surroundings } from "./connection/connection.js" */
/** @import { FollowOptions, ListOptions, Options, SubmitOptions, TidingsEvents, WatchOptions } from "./options.js" */
import { onAbort } from "./abort.js";
import { socketAddress } from "./connection/address.js";
import { drawDelay } from "./connection/backoff.js";
import { CLOSE_CODES, NORMAL, UNAUTHENTICATED } from "./codes.js";
import { Connection } from "./connection/connection.js";
import { Emitter } from "./emitter.js";
import { localProblem } from "./error.js";
import { Follow } from "./jobs/follow.js";
import { Follows } from "./jobs/follows.js";
import { FoundJobs } from "./jobs/found.js";
import { grantFrom, tagKey, tagOf } from "./jobs/grants.js";
import { Job, UNWATCHED } from "./jobs/job.js";
import { toJson } from "./json.js";
import { newKey } from "./key.js";
import { JobPages } from "./jobs/listing.js";
import { Orders } from "./jobs/orders.js";
import { GrantRenewal } from "./connection/renewal.js";
import { CLOSED, Requests } from "./connection/requests.js";
import { besides } from "./connection/socket.js";
import { Watches } from "./jobs/watches.js";
import { worldOf } from "./world.js";

export class Tidings {
  /** @type {Connection} */
  #connection;
  #requests = new Requests(
    () => this.#connection,
    (again, tries, problem) => this.#later(again, tries, problem),
  );
  #watches = new Watches({
    watch: (token, after, refused) => this.#watch(token, after, refused),
    unwatch: (token) => this.#tell("unwatch", { token }),
    later: (again, tries, problem) => this.#later(again, tries, problem),
    resumed: () => this.#connection.resumed(),
  });
  /** @type {Follows} */
  #follows = new Follows({
    follow: (tag, fields, outcome) => this.#followTag(tag, fields, outcome),
    unfollow: (tag) => {
      this.#tell("unfollow", { tag });
      this.#foundJobs.tidy(tagKey(tag));
    },
    later: (again, tries, problem) => this.#later(again, tries, problem),
    open: (tag, snapshot) => this.#foundJobs.open(tag, snapshot),
    release: ({ job }) => this.#watches.release(/** @type {string} */ (job.token)),
  });
  /** @type {GrantRenewal} */
  #renewal = new GrantRenewal({
    followed: (key) => this.#isFollowed(key),
    start: (key) => this.#start(key),
    later: (again, tries, problem) => this.#later(again, tries, problem),
    complain: (problem) => this.#complain(problem),
    expired: (key, problem) => this.#expired(key, problem),
  });
  #orders = new Orders(this.#requests, this.#watches, this.#renewal.grants);
  #foundJobs = new FoundJobs(this.#follows, this.#watches, this.#orders, this.#renewal.grants, () => this.#connection.writable);
  /** @type {readonly string[]} */
  #features = [];
  /** The page has no credential of its own. */
  #bare = false;
  /** @type {"observe" | "unobserve" | undefined} What to ask each server for; undefined: nothing. */
  #overview;
  /** @type {Emitter<TidingsEvents>} */
  #emitter = new Emitter();
  /** @type {Surroundings} */
  #world;
  /** @type {string} Where the paths of HTTP begin. */
  #base;

  /**
   * Connects at once, and keeps connected until `close()`.
   *
   * @param {string | URL} url `http(s)://` or `ws(s)://`, of the server or of its socket.
   * @param {Options} options
   * @param {Lesser} lesser What there is below the socket.
   * @throws {TypeError} `url` is no such address.
   */
  constructor(url, options, lesser) {
    // A page without a credential shows the grant of what it follows.
    this.#world = worldOf(options, lesser, () => this.#renewal.grants.credential(!this.#requests.idle));
    this.#bare = !options.credential;
    const address = socketAddress(url);
    this.#base = besides(address);
    this.#connection = new Connection(address, this.#world, {
      greeted: ({ limits, features = [] }) => {
        this.#requests.limits = limits;
        this.#features = features;
        return this.#watches.prepare();
      },
      ready: () => this.#ready(),
      idle: () => this.#bare && this.#requests.idle && this.#watches.idle && this.#follows.idle,
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
    return this.#requests.limits;
  }

  /** What the server takes beyond version 1: `submit.x` for a field of a frame, `x` for a frame. */
  get features() {
    return this.#features;
  }

  /**
   * Calls `listener` at each event of that name, until the function returned is called.
   *
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
    const call = this.#requests.make("submit", { kind, input, ...options, key }, {
      answered: (/** @type {Ack} */ ack) => {
        if (options.watch === false) {
          entry.inlet.acked(ack);
          return entry.inlet.refused(UNWATCHED);
        }
        // What is another's is followed by the grant that came with it.
        if (options.owner && ack.grant) this.#renewal.grants.keep(ack.token, ack.grant.grant);
        this.#watches.add(ack.token, entry);
        entry.inlet.acked(ack);
        if (entry.job.finished) this.#watches.remove(ack.token, entry); // unwatched before it had a token
      },
      refused: entry.inlet.refused,
    });
    entry.bind(this.#orders.link(entry, call));
    // Finished meanwhile: there is nothing to stop.
    if (signal) onAbort(entry.job, signal, () => void entry.job.cancel().catch(() => {}));
    this.#requests.ask(call);
    return entry.job;
  }

  /**
   * Follows a job that was submitted before, here or elsewhere.
   *
   * @param {string} token
   * @param {WatchOptions} [options]
   * @returns {Job}
   */
  watch(token, { after = 0, signal, grant } = {}) {
    const entry = Job.open({ token, after });
    entry.bind(this.#orders.link(entry));
    try {
      toJson({ token, after });
    } catch (error) { // now, not on some later connection
      queueMicrotask(() => entry.inlet.refused(localProblem("unknown_token", `there is no such job: ${error}`)));
      return entry.job;
    }
    if (grant !== undefined) this.#renewal.grants.keep(token, grant);
    this.#watches.add(token, entry);
    if (signal) onAbort(entry.job, signal, () => entry.job.unwatch());
    this.#connection.wake();
    if (this.#connection.writable) this.#watches.start(token);
    else if (this.state === "closed") queueMicrotask(() => entry.inlet.refused(CLOSED));
    return entry.job;
  }

  /**
   * Follows all jobs with a tag: those that live, and each that is submitted from now on.
   *
   * @param {string} tag
   * @param {FollowOptions} [options]
   * @returns {Follow}
   * @throws {TypeError} Something in it has no form in JSON.
   */
  follow(tag, { grant, owner, since, signal } = {}) {
    toJson({ tag, owner, since });
    const entry = Follow.open(tag);
    const tracked = { ...entry, owner, since };
    entry.bind({
      close: () => this.#follows.remove(tracked),
      soon: (callback) => void this.#world.timers.set(callback, 0),
    });
    if (grant !== undefined) this.#renewal.grants.keep(tagKey(tag), grant);
    this.#follows.add(tracked);
    if (signal) onAbort(entry.follow, signal, () => entry.follow.close());
    this.#connection.wake();
    if (this.#connection.writable) this.#follows.start(tag);
    else if (this.state === "closed") queueMicrotask(() => this.#follows.endAll(CLOSED));
    return entry.follow;
  }

  /**
   * Lists one's own jobs, the newest first: `await` it for a page, `{jobs, next}`, or iterate over all of them.
   *
   * @param {ListOptions} [options]
   * @returns {JobPages} Rejects, or throws, a TidingsError: what the server says, `aborted`, or `unreachable`.
   */
  jobs(options = {}) {
    const { fetch, WebSocket, credential } = this.#world;
    const shared = /** @type {{credential?: () => any} | undefined} */ (WebSocket)?.credential; // of tabs that share a connection
    return new JobPages({
      fetch,
      base: this.#base,
      credential: async () => options.grant === undefined ? (shared ?? credential)?.() : grantFrom(options.grant),
    }, options);
  }

  /**
   * Has the server send an `overview` each second, or stops it; after a break the client asks again. Only an
   * administrator may, and only over a socket: elsewhere nothing comes.
   *
   * @param {boolean} [wanted]
   */
  observe(wanted = true) {
    this.#overview = wanted ? "observe" : "unobserve";
    this.#tell(this.#overview, {}, this.#complain);
  }

  /** Disconnects for good. Jobs go on at the server; their promises here end with code `closed`. */
  close() {
    this.#connection.close();
  }

  // Asking.

  /**
   * @param {string} token
   * @param {number} after
   * @param {(problem: Problem) => void} refused
   */
  #watch(token, after, refused) {
    const { grants } = this.#renewal;
    if (!this.#renewal.ready(grants.keyOf(token), token)) return;
    const carried = this.#follows.brings(token);
    this.#requests.ask(this.#requests.make("watch", { token, after, ...grants.field(token) }, { refused, carried }));
  }

  /** @type {import("./jobs/follows.js").FollowAsking["follow"]} */
  #followTag(tag, fields, outcome) {
    const key = tagKey(tag);
    if (!this.#renewal.ready(key, key)) return false;
    this.#requests.ask(this.#requests.make("follow", { tag, ...fields, ...this.#renewal.grants.field(key) }, outcome));
    return true;
  }

  /** @param {string} key Of the grant of a job or a tag. @returns {boolean} */
  #isFollowed(key) {
    const tag = tagOf(key);
    if (tag === null) return this.#watches.has(key);
    return this.#follows.has(tag) || this.#renewal.grants.lentBy(key).length > 0;
  }

  /** @param {string} key Of a job or a tag whose grant was fetched. */
  #start(key) {
    const tag = tagOf(key);
    if (!this.#connection.writable) return;
    if (tag === null) this.#watches.start(key);
    else if (this.#follows.has(tag)) this.#follows.start(tag);
    else for (const token of this.#renewal.grants.lentBy(key)) this.#watches.start(token);
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
   * Says something that matters to this connection alone.
   *
   * @param {"observe" | "unobserve" | "unwatch" | "unfollow"} type
   * @param {object} fields
   * @param {(problem: Problem) => void} [refused]
   */
  #tell(type, fields, refused) {
    if (this.#connection.writable) this.#requests.ask(this.#requests.make(type, fields, { refused }));
  }

  // Hearing.

  #ready() {
    this.#watches.resume();
    this.#follows.resume();
    if (this.#overview) this.#tell(this.#overview, {}, this.#complain);
    this.#requests.pump();
  }

  /** @param {boolean} abrupt */
  #lost(abrupt) {
    this.#requests.lost(abrupt);
    this.#watches.interrupt();
    this.#follows.interrupt();
    this.#renewal.grants.interrupt();
  }

  /** @param {StateChange} change */
  #changed(change) {
    if (change.state === "closed") this.#giveUp(change);
    else if (change.code === UNAUTHENTICATED && this.#bare) this.#renewal.refused();
    this.#emitter.emit("state", change);
  }

  /** @param {StateChange} change */
  #giveUp({ code = NORMAL, reason }) {
    const rule = CLOSE_CODES.get(code);
    const problem = code === NORMAL ? CLOSED : localProblem(rule?.name ?? "closed", reason || `closed with ${code}`);
    this.#requests.end(problem);
    this.#follows.endAll(problem);
    this.#watches.end(problem);
  }

  /** @param {ServerFrame} frame */
  #receive(frame) {
    this.#hear(frame);
    this.#requests.settle();
  }

  /** @param {ServerFrame} frame */
  #hear(frame) {
    switch (frame.type) {
      case "event":
        this.#follows.event(frame);
        return this.#watches.event(frame);
      case "overview":
        return this.#emitter.emit("overview", frame);
      case "snapshot":
        this.#requests.answered(frame);
        this.#watches.snapshot(frame);
        return frame.ref == null ? this.#follows.snapshot(frame) : undefined;
      case "ack":
      case "done":
      case "following":
        this.#requests.answered(frame);
        return this.#requests.pump();
      case "error":
        if (frame.ref === null && (frame.token || frame.tag)) return this.#warned(frame);
        if (!this.#requests.refused(frame.ref, frame.problem)) this.#complain(frame.problem);
        return;
      default: // hello and goaway are the connection's; alive and pong say nothing; newer ones are not known here
    }
  }

  /** @param {Extract<ServerFrame, {type: "error"}>} frame One that says what it concerns. */
  #warned({ token, tag, problem }) {
    const key = tag ? tagKey(tag) : this.#renewal.grants.keyOf(token ?? "");
    const followed = tagOf(key);
    if (problem.code === "grant_expiring" || problem.code === "grant_expired") {
      if (this.#renewal.warned(key, problem) || problem.code === "grant_expired") return;
      if (followed !== null) this.#follows.expiring(followed, problem);
      else this.#watches.expiring(key, problem);
    } else if (tag) this.#follows.end(tag, problem);
    else if (token && this.#watches.has(token)) this.#watches.vanished(token, problem);
    else this.#complain(problem); // of a job with a tag that is followed, and for which there is no room
  }

  /**
   * @param {string} key
   * @param {Problem} problem
   */
  #expired(key, problem) {
    const tag = tagOf(key);
    if (tag === null) return this.#watches.vanished(key, problem);
    for (const token of this.#renewal.grants.lentBy(key)) this.#watches.vanished(token, problem);
    this.#follows.end(tag, problem);
  }

  /** @param {Problem} problem */
  #complain = (problem) => this.#emitter.emit("error", problem);
}
