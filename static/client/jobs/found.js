// @ts-check
/** The jobs that follows have found: each begins with the snapshot that brought it, and goes by the grant of its tag. */

/** @import { Snapshot } from "../frame.js" */
/** @import { Follows } from "./follows.js" */
/** @import { Grants } from "./grants.js" */
/** @import { Orders } from "./orders.js" */
/** @import { Watches } from "./watches.js" */
import { tagKey, tagOf } from "./grants.js";
import { Job } from "./job.js";

export class FoundJobs {
  #follows;
  #watches;
  #orders;
  #grants;
  #writable;

  /**
   * @param {Follows} follows
   * @param {Watches} watches
   * @param {Orders} orders
   * @param {Grants} grants
   * @param {() => boolean} writable Whether frames can be sent now.
   */
  constructor(follows, watches, orders, grants, writable) {
    this.#follows = follows;
    this.#watches = watches;
    this.#orders = orders;
    this.#grants = grants;
    this.#writable = writable;
  }

  /**
   * Makes the job of a snapshot.
   *
   * @param {string} tag By which it was found.
   * @param {Snapshot} snapshot
   */
  open(tag, snapshot) {
    const { token } = snapshot;
    const tracked = Job.open({ token });
    tracked.bind(this.#orders.link(tracked));
    this.#grants.lend(token, tagKey(tag));
    const part = () => queueMicrotask(() => this.#part(token));
    tracked.job.on("finished", part);
    tracked.job.on("refused", part);
    return {
      tracked,
      begin: (/** @type {boolean} */ changed) => {
        // Of a job that is followed here already, the snapshot has what is new to that one alone.
        if (!changed && !this.#watches.has(token)) {
          this.#watches.addFound(token, tracked);
          return tracked.inlet.found(snapshot);
        }
        this.#watches.add(token, tracked);
        if (this.#writable()) this.#watches.start(token);
      },
    };
  }

  /** @param {string} key Of a tag, whose grant may be of no use any more. */
  tidy(key) {
    const tag = tagOf(key);
    if (tag !== null && !this.#follows.has(tag) && !this.#grants.lentBy(key).length) this.#grants.forget(key);
  }

  /** @param {string} token Of a job that has ended, or is followed no longer by one that did. */
  #part(token) {
    if (this.#watches.has(token)) return;
    const key = this.#grants.keyOf(token);
    this.#grants.part(token);
    this.tidy(key);
  }
}
