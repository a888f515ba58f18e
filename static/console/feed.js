// @ts-check
/**
 * What the server tells of itself each second, over the connection that the client keeps anyway.
 *
 * The client knows nothing of it: its socket is given one more listener here, and one more frame to
 * send whenever it has become usable. While nobody looks at the page, nothing is asked for.
 */

/** @import { StateChange } from "../client/connection.js" */
/** @import { Api } from "./api.js" */
/** @import { Session } from "./session.js" */
/** @import { Overview } from "./types.js" */
import { UNAUTHENTICATED } from "../client/codes.js";
import { Emitter } from "../client/emitter.js";
import { Tidings } from "../tidings.js";
import { STALE } from "./session.js";
import { again } from "./view.js";

/** A reference that the client, which counts from 1, does not come to. */
const REF = 2 ** 31 - 1;
/** What a frame that is not the client's alone contains. */
const OURS = ['"overview"', '"forbidden"', String(REF)];
/** Where no socket gets through, it is asked for so often: ms. */
const EVERY_MS = 2000;
/** What is remembered of the queues for their small pictures: seconds. */
const REMEMBERED = 120;

/**
 * @typedef {object} FeedEvents
 * @property {Overview} overview
 * @property {StateChange} state
 * @property {string} refused Why there is none.
 */

export class Feed {
  /** @type {Tidings} */
  tidings;
  /** @type {Overview | null} */
  latest = null;
  /** @type {Map<string, number[]>} Queue and tier → how many waited, the newest last. */
  backlog = new Map();
  /** @type {Emitter<FeedEvents>} */
  #emitter = new Emitter();
  /** @type {WebSocket | null} */
  #socket = null;

  #lesser = false;

  /**
   * @param {Session} session
   * @param {Api} api
   */
  constructor(session, api) {
    const feed = this;
    class Overheard extends WebSocket {
      /**
       * @param {string} url
       * @param {string} protocol
       */
      constructor(url, protocol) {
        super(url, protocol);
        feed.#socket = this;
        this.addEventListener("message", ({ data }) => feed.#hear(data));
      }
    }
    this.tidings = new Tidings(undefined, { WebSocket: Overheard, credential: () => session.credential });
    this.tidings.on("state", (change) => {
      if (change.state === "open" || change.state === "resuming") this.#look();
      this.#lesser = change.transport !== "websocket" && change.state === "open";
      // The client listens for a network that has come back; a credential is as good a reason to try at once.
      if (change.code === UNAUTHENTICATED) void session.ask(STALE).then(() => dispatchEvent(new Event("online")));
      this.#emitter.emit("state", change);
    });
    document.addEventListener("visibilitychange", () => this.#look());
    again(EVERY_MS, async (signal) => {
      if (this.#lesser) this.take(await api.get("overview", {}, signal));
    });
  }

  /**
   * @template {keyof FeedEvents} Name
   * @param {Name} name
   * @param {(event: FeedEvents[Name]) => void} listener
   * @returns {() => void} Call it to hear no more.
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  #look() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ type: document.hidden ? "unobserve" : "observe", ref: REF }));
  }

  /** @param {unknown} data */
  #hear(data) {
    // Not every frame is read twice.
    if (typeof data !== "string" || !OURS.some((text) => data.includes(text))) return;
    const { type, ref, token, problem, ...rest } = JSON.parse(data);
    if (type === "overview") this.take(rest);
    // Without a ref and a token: a renewed credential does not allow to observe any more.
    else if (type === "error" && (ref === REF || (ref === null && !token && problem.code === "forbidden"))) {
      this.#emitter.emit("refused", problem.detail);
    }
  }

  /** @param {Overview} overview */
  take(overview) {
    this.latest = overview;
    for (const { queue, tier, waiting } of overview.queues) {
      const name = `${queue}/${tier}`;
      const kept = this.backlog.get(name) ?? [];
      kept.push(waiting);
      this.backlog.set(name, kept.slice(-REMEMBERED));
    }
    this.#emitter.emit("overview", overview);
  }
}
