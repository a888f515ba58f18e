// @ts-check
/** What a job may be told: to stop, a signal, and that it is followed no longer. */

/** @import { Call } from "../connection/calls.js" */
/** @import { Grants } from "./grants.js" */
/** @import { Link } from "./events.js" */
/** @import { Job } from "./job.js" */
/** @import { Requests } from "../connection/requests.js" */
/** @import { TrackedJob, Watches } from "./watches.js" */
import { TidingsError, localProblem } from "../error.js";
import { newKey } from "../key.js";

export class Orders {
  #requests;
  #watches;
  #grants;

  /**
   * @param {Requests} requests
   * @param {Watches} watches
   * @param {Grants} grants By which jobs are told that the page's credential does not open.
   */
  constructor(requests, watches, grants) {
    this.#requests = requests;
    this.#watches = watches;
    this.#grants = grants;
  }

  /**
   * Returns how a job reaches the connection.
   *
   * @param {TrackedJob} entry
   * @param {Call} [submit] What submitted it, if this client did.
   * @returns {Link}
   */
  link(entry, submit) {
    const { job } = entry;
    return {
      cancel: async () => {
        if (!submit || !this.#requests.withdraw(submit)) return this.#order("cancel", job);
        entry.inlet.refused(localProblem("cancelled", "cancelled before it was sent"));
      },
      signal: (name, input, key = newKey()) => this.#order("signal", job, { name, input, key }),
      unwatch: () => { if (job.token) this.#watches.remove(job.token, entry); },
      again: () => { if (job.token) this.#watches.start(job.token); },
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
      this.#requests.ask(this.#requests.make(type, { token, ...fields, ...this.#grants.field(token) }, {
        answered: () => resolve(),
        refused: (problem) => reject(new TidingsError(problem)),
      }));
    });
  }
}
