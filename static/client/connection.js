// @ts-check
/**
 * One lasting connection over many sockets.
 *
 * Its state is one field with one setter, which checks the table below and tells the owner. Each
 * state has at most one timer, and leaving the state clears it:
 *
 *     connecting   waits for the server's `hello`
 *     resuming     talks; the owner is asking again for what it had asked on the last socket
 *     open         talks
 *     backing-off  waits before the next socket
 *     closed       for good
 *
 * Whatever ends a socket, a close code, silence, a missing `hello`, the network going away, comes
 * to `#lost`, and from there leads to `backing-off` or `closed`: no other way leads to a new socket.
 */

/** @import { Hello, ServerFrame } from "./frame.js" */
/** @import { Backoff } from "./backoff.js" */
import { drawDelay } from "./backoff.js";
import { ABNORMAL, CLOSE_CODES, NORMAL, SUBPROTOCOL } from "./codes.js";

/** @typedef {"connecting" | "resuming" | "open" | "backing-off" | "closed"} State */

/** @type {Record<State, readonly State[]>} */
export const TRANSITIONS = {
  "connecting": ["open", "resuming", "backing-off", "closed"],
  "resuming": ["open", "backing-off", "closed"],
  "open": ["backing-off", "closed"],
  "backing-off": ["connecting", "closed"],
  "closed": [],
};

/**
 * @typedef {object} StateChange
 * @property {State} state
 * @property {State} previous
 * @property {number} [code] Close code that led here.
 * @property {string} [reason] The same for people.
 * @property {number} [delayMs] In `backing-off`: ms until the next try.
 *
 * @typedef {object} Timers
 * @property {(callback: () => void, ms: number) => any} set
 * @property {(id: any) => void} clear
 *
 * @typedef {object} Surroundings What a connection needs from the world; each replaceable in tests.
 * @property {new (url: string, protocol: string) => WebSocket} WebSocket
 * @property {() => number} now Milliseconds; a wall clock, so that a night's sleep counts as silence.
 * @property {Timers} timers
 * @property {() => number} random Uniform in [0, 1).
 * @property {EventTarget | null} events Where `online`, `offline` and `visibilitychange` are heard.
 *
 * @typedef {object} Timing
 * @property {number} silenceMs Without any frame for so long, a socket counts as dead; default
 *   60 000. The server speaks at least every 25 s.
 * @property {number} helloMs How long to wait for `hello`; default 10 000.
 * @property {number} stableMs A connection that lasted so long forgets earlier failures; default 10 000.
 * @property {Backoff} backoff
 *
 * @typedef {object} Owner
 * @property {(hello: Hello) => boolean} greeted The server said hello. Returns whether there is
 *   something to resume; the owner then calls `resumed()` when it is.
 * @property {() => void} ready Frames can be sent.
 * @property {(frame: ServerFrame) => void} frame
 * @property {() => void} lost The socket is gone; what was asked and not answered will not be.
 * @property {(change: StateChange) => void} state
 */

export class Connection {
  /** @type {State} */
  #state = "connecting";
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {any} */
  #timer = null;
  #tries = 0;
  #heardAt = 0;
  #greetedAt = Infinity;
  /** @type {number | null} Milliseconds the server asked us to stay away. */
  #awayMs = null;
  #url;
  #world;
  #timing;
  #owner;

  /**
   * @param {string} url
   * @param {Surroundings} world
   * @param {Timing} timing
   * @param {Owner} owner
   */
  constructor(url, world, timing, owner) {
    this.#url = url;
    this.#world = world;
    this.#timing = timing;
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

  /** @param {string} text */
  send(text) {
    this.#socket?.send(text);
  }

  /** What was to be resumed is. */
  resumed() {
    if (this.#state === "resuming") {
      this.#enter("open", {}, this.#silenceLeft(), () => this.#listenOn());
    }
  }

  /** Ends it for good. */
  close() {
    if (this.#state === "closed") return;
    this.#end({ code: NORMAL, reason: "closed by this client" });
  }

  // One socket's life.

  #dial() {
    const { WebSocket } = this.#world;
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    // A socket that was given up may still speak; only the present one is heard.
    socket.onmessage = ({ data }) => { if (socket === this.#socket) this.#receive(data); };
    socket.onclose = ({ code, reason }) => { if (socket === this.#socket) this.#lost(code, reason); };
    this.#arm(this.#timing.helloMs, () => this.#lost(ABNORMAL, "no hello in time"));
  }

  #redial() {
    this.#enter("connecting");
    if (this.#state !== "connecting") return; // a listener closed us
    try {
      this.#dial();
    } catch (error) {
      this.#lost(ABNORMAL, String(error));
    }
  }

  /** @param {unknown} data */
  #receive(data) {
    this.#heardAt = this.#world.now();
    const frame = read(data);
    if (!frame) return this.#lost(ABNORMAL, "not a frame of this protocol");
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
    const state = this.#owner.greeted(hello) ? "resuming" : "open";
    this.#enter(state, {}, this.#timing.silenceMs, () => this.#listenOn());
    if (this.writable) this.#owner.ready();
  }

  #silenceLeft() {
    return this.#heardAt + this.#timing.silenceMs - this.#world.now();
  }

  /** Looks once in a while how long ago a frame came, rather than setting a timer at each. */
  #listenOn() {
    const left = this.#silenceLeft();
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
    if (CLOSE_CODES.get(code)?.reconnect === false) return this.#end({ code, reason });
    this.#drop();
    if (this.#world.now() - this.#greetedAt >= this.#timing.stableMs) this.#tries = 0;
    this.#greetedAt = Infinity;
    const delayMs = this.#awayMs ?? drawDelay(this.#tries, this.#timing.backoff, this.#world.random);
    this.#tries += 1;
    this.#awayMs = null;
    this.#owner.lost();
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

  /** Lets go of the socket without waiting for it: a dead one may take minutes to say so. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(NORMAL);
  }

  // What the browser tells us of the world.

  #listeners = {
    online: () => { if (this.#state === "backing-off") this.#redial(); },
    offline: () => { if (this.writable) this.#lost(ABNORMAL, "the network went away"); },
    // The timers of a hidden page are slow; look as soon as someone looks at us.
    visibilitychange: () => { if (this.writable) this.#listenOn(); },
  };

  // The machine.

  /**
   * The one setter of `#state`; also the one place that tells of it.
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
    this.#owner.state({ state, previous, ...why });
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

/**
 * @param {unknown} data
 * @returns {ServerFrame | null}
 */
function read(data) {
  if (typeof data !== "string") return null;
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}
