// @ts-check
/**
 * One lasting connection over many transports.
 *
 * Its state is one field with one setter, which checks the table below and informs the owner:
 *
 *     connecting   waits for the server's `hello`
 *     resuming     talks; the owner is asking again for what it had asked on the last transport
 *     open         talks
 *     backing-off  waits before the next try
 *     closed       for good
 *
 * Every end of a transport, by a close code, silence, a missing `hello` or the loss of the network, comes
 * to `#lost`, and from there leads to `backing-off` or `closed`.
 *
 * Which transport: the best that works here. One that fails twice before it has carried anything,
 * while the server does answer plain requests, gives way to the next, which is loaded only then.
 * Beside a lesser one a better one is tried from time to time, and takes over once it is greeted.
 */

/** @import { Hello, ServerFrame } from "../frame.js" */
/** @import { Backoff } from "./backoff.js" */
/** @import { Transport, TransportClass } from "./socket.js" */
import { drawDelay } from "./backoff.js";
import { ABNORMAL, CLOSE_CODES, NORMAL, UNAUTHENTICATED } from "../codes.js";
import { SocketTransport, besides } from "./socket.js";

/** @typedef {"connecting" | "resuming" | "open" | "backing-off" | "closed"} State */
/** @typedef {"websocket" | "sse" | "long-poll"} TransportName */

/** @type {Record<State, readonly State[]>} */
export const TRANSITIONS = {
  "connecting": ["open", "resuming", "backing-off", "closed"],
  "resuming": ["open", "resuming", "backing-off", "closed"],
  "open": ["resuming", "backing-off", "closed"],
  "backing-off": ["connecting", "closed"],
  "closed": [],
};

/** @type {readonly TransportName[]} The best first. */
const LADDER = ["websocket", "sse", "long-poll"];

/** Failures in a row, before anything was carried, after which a transport is taken not to work here. */
const MISSES = 2;

/**
 * @typedef {object} StateChange
 * @property {State} state
 * @property {State} previous
 * @property {TransportName} transport The one in use, or being tried.
 * @property {number} [code] Close code that led here.
 * @property {string} [reason] The same for people.
 * @property {number} [delayMs] In `backing-off`: ms until the next try.
 *
 * @typedef {object} Timers
 * @property {(callback: () => void, ms: number) => any} set
 * @property {(id: any) => void} clear
 *
 * @typedef {string | null | undefined} Credential
 *
 * @typedef {object} Surroundings What a connection needs from the world, each replaceable, and its times.
 * @property {new (url: string, protocol: string) => WebSocket} WebSocket
 * @property {(url: string, init?: RequestInit) => Promise<Response>} fetch
 * @property {() => number} now Milliseconds; a wall clock, so that a night's sleep counts as silence.
 * @property {Timers} timers
 * @property {() => number} random Uniform in [0, 1).
 * @property {EventTarget | null} events Where `online`, `offline` and `visibilitychange` are heard.
 * @property {(() => Credential | Promise<Credential>) | undefined} credential Asked at every connect.
 * @property {number} silenceMs Without a word for so long, a transport counts as dead; default 60 000.
 *   The server speaks at least every 25 s.
 * @property {number} helloMs How long to wait for `hello`; default 10 000.
 * @property {number} stableMs A connection that lasted so long forgets earlier failures; default 10 000.
 * @property {number} upgradeMs Between tries of a better transport, half to one and a half times; default 60 000.
 * @property {Backoff} backoff
 * @property {Lesser} lesser
 *
 * @typedef {readonly (() => Promise<TransportClass>)[]} Lesser How to load what comes below each transport, in order.
 *
 * @typedef {object} Owner
 * @property {(hello: Hello) => boolean} greeted The server said hello. Returns whether there is
 *   something to resume; the owner then calls `resumed()` when it is.
 * @property {() => void} ready Frames can be sent.
 * @property {() => boolean} idle Nothing is asked, and what is asked first may be a job that a grant opens.
 * @property {(frame: ServerFrame) => void} frame
 * @property {(abrupt: boolean) => void} lost The transport is gone; what was asked and not answered will not be.
 *   `abrupt`: for no reason of the server's own.
 * @property {(change: StateChange) => void} state
 */

export class Connection {
  /** @type {State} */
  #state = "connecting";
  /** @type {Transport | null} */
  #transport = null;
  /** @type {Transport | null} A better one, not greeted yet. */
  #scout = null;
  /** @type {TransportClass[]} As far down the ladder as was needed. */
  #loaded = [SocketTransport];
  /** Where the transport stands on the ladder, and where the scout. */
  #rank = 0;
  #scoutRank = 0;
  #misses = 0;
  /** @type {any} The state's. */
  #timer = null;
  /** @type {any} The scout's. */
  #scoutTimer = null;
  #tries = 0;
  #heardAt = 0;
  #greetedAt = Infinity;
  /** @type {number | null} Milliseconds the server asked us to stay away. */
  #awayMs = null;
  #url;
  #world;
  #owner;

  /**
   * @param {URL} url
   * @param {Surroundings} world
   * @param {Owner} owner
   */
  constructor(url, world, owner) {
    this.#url = url;
    this.#world = world;
    this.#owner = owner;
    this.#dial();
    for (const [name, listener] of Object.entries(this.#listeners)) {
      world.events?.addEventListener(name, listener);
    }
  }

  get state() {
    return this.#state;
  }

  /** Whether frames can be sent now. */
  get writable() {
    return this.#state === "open" || this.#state === "resuming";
  }

  /**
   * @param {string} text
   * @param {boolean} [carried] Of a `watch`: a tag that is followed brings the job's events too.
   */
  send(text, carried) {
    this.#transport?.send(text, carried);
  }

  /** What was to be resumed is. */
  resumed() {
    if (this.#state === "resuming") {
      this.#enter("open", {}, this.#silenceLeft(), () => this.#listenOn());
    }
  }

  /** Something is asked: a connection that waits for that is tried again. */
  wake() {
    if (this.#state === "backing-off" && this.#timer === null) this.#redial();
  }

  /** Ends it for good. */
  close() {
    if (this.#state === "closed") return;
    this.#end({ code: NORMAL, reason: "closed by this client" });
  }

  // One transport's life.

  #dial() {
    this.#arm(this.#world.helloMs, () => this.#lost(ABNORMAL, "no hello in time"));
    this.#transport = this.#make(this.#rank);
    this.#transport.open();
  }

  #redial() {
    this.#enter("connecting");
    if (this.#state === "connecting") this.#dial(); // a listener may have closed us
  }

  /**
   * @param {number} rank
   * @returns {Transport}
   */
  #make(rank) {
    /** @type {Transport} */
    const transport = new this.#loaded[rank](this.#url, this.#world, {
      // One that was given up may still speak; it is not heard.
      frame: (frame) => {
        if (transport === this.#transport) this.#receive(frame);
        else if (transport === this.#scout && frame.type === "hello") this.#switch(frame);
      },
      lost: (code, reason, awayS) => {
        if (transport === this.#scout) this.#rest();
        if (transport !== this.#transport) return;
        if (awayS) this.#awayMs = awayS * 1000;
        this.#lost(code, reason);
      },
    });
    return transport;
  }

  /** @param {ServerFrame} frame */
  #receive(frame) {
    this.#heardAt = this.#world.now();
    if (frame.type === "hello") return this.#greet(frame);
    if (frame.type === "goaway") this.#awayMs = frame.reconnect_after * 1000;
    if (frame.type === "error" && frame.ref === null && frame.problem.code === "rate_limited") {
      this.#awayMs = (frame.problem.retry_after ?? 0) * 1000 || null;
    }
    this.#owner.frame(frame);
  }

  /** @param {Hello} hello */
  #greet(hello) {
    if (this.#state !== "connecting") return;
    this.#greetedAt = this.#world.now();
    if (this.#rank > 0) this.#rest();
    this.#talk(this.#owner.greeted(hello) ? "resuming" : "open");
  }

  /** @param {State} state */
  #talk(state) {
    this.#enter(state, {}, this.#world.silenceMs, () => this.#listenOn());
    if (this.writable) this.#owner.ready();
  }

  #silenceLeft() {
    return this.#heardAt + this.#world.silenceMs - this.#world.now();
  }

  /** Looks once in a while how long ago something came, rather than setting a timer each time. */
  #listenOn() {
    const left = this.#transport?.quiet ? this.#world.silenceMs : this.#silenceLeft();
    if (left <= 0) this.#lost(ABNORMAL, "silence");
    else this.#arm(left, () => this.#listenOn());
  }

  /**
   * The one place every failure comes to.
   *
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    const another = code === UNAUTHENTICATED && this.#world.credential; // the next credential may do
    if (CLOSE_CODES.get(code)?.reconnect === false && !another) {
      if (code !== UNAUTHENTICATED || !this.#owner.idle()) return this.#end({ code, reason });
      this.#drop();
      this.#owner.lost(false);
      return this.#enter("backing-off", { code, reason }); // until `wake`
    }
    if (this.#transport?.proven) this.#misses = 0;
    else if (code === ABNORMAL || !CLOSE_CODES.has(code)) void this.#blame(this.#rank); // else the server said why
    this.#drop();
    if (this.#world.now() - this.#greetedAt >= this.#world.stableMs) this.#tries = 0;
    this.#greetedAt = Infinity;
    const delayMs = this.#awayMs ?? drawDelay(this.#tries, this.#world.backoff, this.#world.random);
    this.#tries += 1;
    this.#awayMs = null;
    this.#owner.lost(code === ABNORMAL || !CLOSE_CODES.has(code));
    this.#enter("backing-off", { code, reason, delayMs }, delayMs, () => this.#redial());
  }

  /** @param {{code: number, reason: string}} why */
  #end(why) {
    this.#drop();
    for (const [name, listener] of Object.entries(this.#listeners)) {
      this.#world.events?.removeEventListener(name, listener);
    }
    this.#enter("closed", why);
  }

  /** Lets go of the transport without waiting for it: a dead one may take minutes to say so. */
  #drop() {
    this.#world.timers.clear(this.#scoutTimer);
    const both = [this.#transport, this.#scout];
    this.#transport = this.#scout = null;
    for (const transport of both) transport?.close();
  }

  // Up and down the ladder.

  /**
   * Asks whether the transport is at fault, or the network: then every one would fail.
   *
   * @param {number} rank
   */
  async #blame(rank) {
    const load = this.#world.lesser[rank];
    if (!load) return;
    const { fetch, helloMs } = this.#world;
    try {
      await fetch(besides(this.#url) + "kinds", { signal: AbortSignal.timeout(helloMs) });
      this.#loaded[rank + 1] ??= await load();
    } catch {
      return; // the network is away
    }
    if (rank !== this.#rank || this.#transport?.proven || ++this.#misses < MISSES) return;
    this.#misses = this.#tries = 0;
    this.#rank += 1;
  }

  /** Lets a scout go, and sends the next one later. */
  #rest() {
    const scout = this.#scout;
    this.#scout = null;
    scout?.close();
    const { timers, upgradeMs, random } = this.#world;
    timers.clear(this.#scoutTimer);
    this.#scoutTimer = timers.set(() => this.#explore(), upgradeMs * (0.5 + random()));
  }

  /** Tries the transports above the present one, in turn, beside it. */
  #explore() {
    if (!this.writable || this.#scout || this.#rank === 0) return;
    const { timers, helloMs } = this.#world;
    timers.clear(this.#scoutTimer);
    this.#scoutRank = (this.#scoutRank + 1) % this.#rank;
    this.#scout = this.#make(this.#scoutRank);
    this.#scoutTimer = timers.set(() => this.#rest(), helloMs);
    this.#scout.open();
  }

  /** @param {Hello} hello The scout's. */
  #switch(hello) {
    const [scout, rank] = [this.#scout, this.#scoutRank];
    this.#scout = null;
    this.#drop();
    this.#transport = scout;
    this.#rank = rank;
    this.#misses = MISSES - 1; // it did not work here before: one failure, and it gives way again
    this.#heardAt = this.#greetedAt = this.#world.now();
    if (rank > 0) this.#rest();
    this.#owner.lost(false);
    const resuming = this.#owner.greeted(hello);
    this.#talk("resuming");
    if (!resuming) this.resumed();
  }

  // Events of the browser.

  #listeners = {
    online: () => {
      // Perhaps another network: what did not work on the last one may on this.
      if (this.#state === "backing-off") {
        this.#rank = this.#misses = this.#tries = 0;
        this.#redial();
      } else {
        this.#explore();
      }
    },
    offline: () => { if (this.writable) this.#lost(ABNORMAL, "the network went away"); },
    // The timers of a hidden page are slow; look as soon as someone looks at us.
    visibilitychange: () => { if (this.writable) this.#listenOn(); },
  };

  // The machine.

  /**
   * The one setter of `#state`; also the one place that announces it.
   *
   * @param {State} state
   * @param {{code?: number, reason?: string, delayMs?: number}} [why]
   * @param {number} [ms] The state's timer.
   * @param {() => void} [expired]
   */
  #enter(state, why = {}, ms, expired) {
    const previous = this.#state;
    if (!TRANSITIONS[previous].includes(state)) throw new Error(`${previous} does not lead to ${state}`);
    this.#state = state;
    this.#arm(ms, expired);
    this.#owner.state({ state, previous, transport: LADDER[this.#rank], ...why });
  }

  /**
   * @param {number} [ms]
   * @param {() => void} [expired]
   */
  #arm(ms, expired) {
    this.#world.timers.clear(this.#timer);
    this.#timer = ms === undefined || !expired ? null : this.#world.timers.set(expired, ms);
  }
}
