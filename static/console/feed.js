// @ts-check
/**
 * The overview of each second, over the connection of the client; while the page is hidden, the console asks for nothing.
 */

/** @import { StateChange } from "../client/connection/connection.js" */
/** @import { Api } from "./api.js" */
/** @import { Session } from "./session.js" */
/** @import { Overview } from "./types.js" */
import { UNAUTHENTICATED } from "../client/codes.js";
import { Emitter } from "../client/emitter.js";
import { Tidings } from "../tidings.js";
import { STALE } from "./session.js";
import { again } from "./parts/view.js";

/** Where no socket gets through, the console asks for an overview so often: ms. */
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
  #lesser = false;

  /**
   * @param {Session} session
   * @param {Api} api
   */
  constructor(session, api) {
    this.tidings = new Tidings(undefined, { credential: () => session.credential });
    const look = () => this.tidings.observe(!document.hidden);
    look();
    document.addEventListener("visibilitychange", look);
    this.tidings.on("overview", (overview) => this.take(/** @type {any} */ (overview)));
    // Also when a renewed credential does not allow to observe any more.
    this.tidings.on("error", ({ code, detail }) => { if (code === "forbidden") this.#emitter.emit("refused", detail); });
    this.tidings.on("state", (change) => {
      this.#lesser = change.transport !== "websocket" && change.state === "open";
      // The client listens for a network that has come back; a credential is as good a reason to try at once.
      if (change.code === UNAUTHENTICATED) void session.ask(STALE).then(() => dispatchEvent(new Event("online")));
      this.#emitter.emit("state", change);
    });
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
