// @ts-check
/**
 * The worker that holds the connection of `shared.js`: to each tab it is a server, to the server one client.
 *
 * When its connection breaks, so do those of the tabs; each comes back and asks again for what it
 * follows, as of any server. Submits that were under way have the tab's key: they are one job.
 */

/** @import { Follow, Job } from "./tidings.js" */
import { PollTransport } from "./client/connection/poll.js";
import { StreamTransport } from "./client/connection/stream.js";
import { Tidings } from "./client/tidings.js";

/** Loaded at once: bundlers make one file of a worker, which then can load no other. */
const LESSER = [async () => StreamTransport, async () => PollTransport];

/** How often each tab hears that all is well: ms. It counts a minute's silence as a break. */
const ALIVE_MS = 25_000;

/** Close code for a tab whose connection is to be opened again. */
const BROKEN = 1006;

/** All tabs that use one address, and the client they share. */
class Hub {
  /** @type {Set<Tab>} */
  tabs = new Set();
  /** @type {Tidings} */
  tidings;
  /** @type {Tab | null} The one that was asked for a credential. */
  #asked = null;
  /** @type {(answer: {credential?: string | null, problem?: string}) => void} */
  #answer = () => {};

  /** @param {string} url @param {boolean} asks Whether tabs have a credential. */
  constructor(url, asks) {
    this.tidings = new Tidings(url, {
      credential: asks ? () => this.#credential() : undefined,
      events: globalThis, // `online` and `offline` reach workers too
    }, LESSER);
    this.tidings.on("state", ({ state, code = BROKEN, reason = "" }) => {
      for (const tab of [...this.tabs]) {
        if (state === "open" || state === "resuming") tab.greet();
        else if (state === "closed" || tab.greeted) tab.close(state === "closed" ? code : BROKEN, reason);
      }
      if (state === "closed") hubs.delete(url); // the next tab begins again
    });
  }

  /** @param {Tab} tab @param {{credential?: string | null, problem?: string}} answer */
  answered(tab, answer) {
    if (tab === this.#asked) this.#answer(answer);
  }

  /** @returns {Promise<string | null | undefined>} What a tab says; each time another is asked first. */
  async #credential() {
    const tabs = [...this.tabs];
    this.#asked = tabs[(tabs.indexOf(/** @type {Tab} */ (this.#asked)) + 1) % tabs.length] ?? null;
    const answer = new Promise((resolve) => { this.#answer = resolve; });
    this.#asked?.post({ type: "credential" });
    const { credential, problem } = await answer;
    if (problem) throw new Error(problem);
    return credential;
  }
}

/** @type {Map<string, Hub>} */
const hubs = new Map();

/** One tab's socket, seen from the server's side. */
class Tab {
  greeted = false;
  /** @type {Map<string, Job>} What it follows. */
  #jobs = new Map();
  /** @type {Map<string, {follow: Follow, jobs: Set<Job>}>} The tags that it follows, with the jobs that came by each. */
  #follows = new Map();
  #timer = 0;
  #port;
  /** @type {Hub | null} */
  #hub = null;

  /** @param {MessagePort} port */
  constructor(port) {
    this.#port = port;
    port.onmessage = ({ data }) => this.#receive(data);
  }

  /** @param {object} frame */
  post(frame) {
    this.#port.postMessage(frame);
  }

  greet() {
    if (this.greeted || !this.#hub) return;
    this.greeted = true;
    this.post({ type: "hello", version: 1, connection: "shared", limits: this.#hub.tidings.limits });
    this.#timer = setInterval(() => this.post({ type: "alive" }), ALIVE_MS);
  }

  /** @param {number} code @param {string} reason */
  close(code, reason) {
    this.post({ type: "close", code, reason });
    this.leave();
  }

  /** The tab is gone, or its connection is over. */
  leave() {
    clearInterval(this.#timer);
    this.#hub?.tabs.delete(this);
    this.#hub = null;
    const jobs = [...this.#jobs.values()];
    for (const tag of [...this.#follows.keys()]) this.#unfollow(tag);
    this.#jobs.clear();
    for (const job of jobs) job.unwatch();
    this.#port.close();
  }

  /** @param {any} frame */
  #receive({ type, ref, token, ...fields }) {
    if (type === "open") return this.#enter(fields);
    if (!this.#hub) return;
    const { tidings } = this.#hub;
    switch (type) {
      case "credential": return this.#hub.answered(this, fields);
      case "submit": {
        const { kind, input, ...options } = fields;
        return this.#follow(ref, tidings.submit(kind, input, options));
      }
      case "watch": {
        const before = this.#jobs.get(token);
        this.#follow(ref, tidings.watch(token, fields));
        return before?.unwatch();
      }
      case "unwatch": {
        const job = this.#jobs.get(token);
        this.#jobs.delete(token);
        job?.unwatch();
        return this.post({ type: "done", ref });
      }
      case "follow": return this.#followTag(ref, fields.tag, fields);
      case "unfollow": {
        this.#unfollow(fields.tag);
        return this.post({ type: "done", ref });
      }
      case "cancel": return void this.#order(ref, token, (job) => job.cancel());
      case "signal": {
        const { name, input, key } = fields;
        return void this.#order(ref, token, (job) => job.signal(name, input, { key }));
      }
      default: throw new Error(`no such frame: ${type}`);
    }
  }

  /** @param {{url: string, lock: string, asks: boolean}} open */
  #enter({ url, lock, asks }) {
    const hub = hubs.get(url) ?? new Hub(url, asks);
    hubs.set(url, hub);
    this.#hub = hub;
    hub.tabs.add(this);
    void navigator.locks.request(lock, () => this.leave());
    if (hub.tidings.state === "open" || hub.tidings.state === "resuming") this.greet();
  }

  /** @param {number} ref @param {string} tag @param {{grant?: string, owner?: string, since?: string}} options */
  #followTag(ref, tag, options) {
    const before = this.#follows.get(tag);
    const follow = /** @type {Hub} */ (this.#hub).tidings.follow(tag, options);
    const entry = { follow, jobs: before?.jobs ?? /** @type {Set<Job>} */ (new Set()) }; // the tab has those
    this.#follows.set(tag, entry);
    const mine = () => this.#hub && this.#follows.get(tag) === entry;
    let answered = false;
    follow.on("job", (job) => {
      if (!mine()) return job.unwatch();
      if (job.token && this.#jobs.has(job.token)) return job.unwatch(); // the tab has it by its own word
      entry.jobs.add(job);
      for (const name of /** @type {const} */ (["finished", "refused"])) job.on(name, () => entry.jobs.delete(job));
      this.#follow(null, job);
    });
    follow.on("following", (frame) => {
      if (!answered && mine()) this.post({ ...frame, ref });
      answered = true;
    });
    follow.on("expiring", ({ problem }) => { if (mine()) this.post({ type: "error", ref: null, tag, problem }); });
    follow.on("refused", ({ problem }) => {
      if (!mine()) return;
      this.#follows.delete(tag);
      this.post({ type: "error", problem, ...(answered ? { ref: null, tag } : { ref }) });
    });
    before?.follow.close();
  }

  /** @param {string} tag */
  #unfollow(tag) {
    const entry = this.#follows.get(tag);
    this.#follows.delete(tag);
    if (entry) this.#end(entry);
  }

  /** @param {{follow: Follow, jobs: Set<Job>}} entry */
  #end({ follow, jobs }) {
    follow.close();
    for (const job of [...jobs]) {
      if (job.token && this.#jobs.get(job.token) === job) this.#jobs.delete(job.token);
      job.unwatch();
    }
  }

  /** @param {number | null} ref Null: it came by a tag. @param {Job} job */
  #follow(ref, job) {
    let answered = ref === null;
    const mine = () => this.#hub && (!job.token || this.#jobs.get(job.token) === job);
    if (job.token) this.#jobs.set(job.token, job);
    job.on("ack", (ack) => {
      answered = true;
      this.#jobs.set(ack.token, job);
      if (this.#hub) this.post({ ...ack, ref });
      else job.unwatch(); // the tab left before
    });
    job.on("snapshot", (snapshot) => {
      answered = true;
      if (mine()) this.post({ ...snapshot, ref: snapshot.ref == null ? null : ref });
    });
    job.on("event", (event) => { if (mine()) this.post({ ...event, type: "event" }); });
    job.on("expiring", ({ problem }) => { if (mine()) this.post({ type: "error", ref: null, token: job.token, problem }); });
    job.on("finished", () => { if (mine() && job.token) this.#jobs.delete(job.token); });
    job.on("refused", ({ problem }) => {
      if (!mine()) return;
      if (job.token) this.#jobs.delete(job.token);
      this.post({ type: "error", problem, ...(answered ? { ref: null, token: job.token } : { ref }) });
    });
  }

  /** @param {number} ref @param {string} token @param {(job: Job) => Promise<void>} give */
  async #order(ref, token, give) {
    const followed = this.#jobs.get(token);
    const job = followed ?? this.#hub?.tidings.watch(token);
    try {
      if (job) await give(job);
      this.post({ type: "done", ref });
    } catch (error) {
      this.post({ type: "error", ref, problem: /** @type {import("./tidings.js").TidingsError} */ (error).problem });
    } finally {
      if (!followed) job?.unwatch();
    }
  }
}

/** @type {any} */ (globalThis).onconnect = (/** @type {MessageEvent} */ { ports: [port] }) => void new Tab(port);
