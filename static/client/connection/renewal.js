// @ts-check
/** Grants that run out: a fresh one is fetched in time, and what it opens is asked for again. */

/** @import { Problem } from "../frame.js" */
import { localProblem } from "../error.js";
import { Grants } from "../jobs/grants.js";

/**
 * @typedef {object} Renewing
 * @property {(key: string) => boolean} followed Whether anything that the grant of a key opens is still followed.
 * @property {(key: string) => void} start Asks for a job, or the key of a tag, with the grant that was fetched.
 * @property {(again: () => void, tries: number, problem: Problem) => void} later Calls `again` after back-off, if there
 *   is still a connection then.
 * @property {(problem: Problem) => void} complain
 * @property {(key: string, problem: Problem) => void} expired The grant is over, and there is no other.
 */

export class GrantRenewal {
  grants = new Grants((key) => this.#asking.followed(key));
  /** @type {Map<string, Set<string>>} Keys whose grant is being fetched → what is to be asked for then. */
  #fetching = new Map();
  #asking;

  /** @param {Renewing} asking */
  constructor(asking) {
    this.#asking = asking;
  }

  /**
   * Whether something can be asked for now; if not, its grant is fetched first, and `start` called then.
   *
   * @param {string} key Of the grant.
   * @param {string} wanted What is to be asked for: a token, or the key of a tag.
   */
  ready(key, wanted) {
    if (!this.grants.lacks(key)) return true;
    this.#renew(key, wanted);
    return false;
  }

  /**
   * Takes the server's warning of a grant's end, or the end.
   *
   * @param {string} key
   * @param {Problem} problem `grant_expiring` or `grant_expired`.
   * @returns {boolean} Whether another grant will do; if not, only an end that has come ends what it opened.
   */
  warned(key, problem) {
    if (this.grants.renews(key)) {
      this.#renew(key, key);
      return true;
    }
    if (problem.code === "grant_expired") this.#expire(key, problem);
    return false;
  }

  /** The server did not take the grant that was shown: one that is what it is will not do on the next connection either. */
  refused() {
    const key = this.grants.shownText;
    if (key !== null) this.#expire(key, EXPIRED);
  }

  /**
   * Fetches a grant, once for all that want it at a time, and asks with it for what they want.
   *
   * @param {string} key
   * @param {string} wanted
   * @param {number} [tries]
   */
  #renew(key, wanted, tries = 0) {
    const all = this.#fetching.get(key);
    if (all) return void all.add(wanted);
    this.#fetching.set(key, new Set([wanted]));
    void this.#fetch(key, tries);
  }

  /**
   * @param {string} key
   * @param {number} tries
   */
  async #fetch(key, tries) {
    /** @type {Problem | null} */
    let problem = null;
    try {
      await this.grants.fetch(key);
    } catch (error) { // of the page's own code: what is followed goes on, and the page is asked again
      problem = localProblem("unauthenticated", `no grant: ${error}`);
      this.#asking.complain(problem);
    }
    const all = [...(this.#fetching.get(key) ?? [])];
    this.#fetching.delete(key);
    if (!problem) for (const wanted of all) this.#asking.start(wanted);
    else this.#asking.later(() => this.#again(key, all, tries + 1), tries, problem);
  }

  /**
   * Asks the page once more, unless it follows nothing by this grant any more.
   *
   * @param {string} key
   * @param {string[]} all What is to be asked for with it.
   * @param {number} tries
   */
  #again(key, all, tries) {
    if (!this.#asking.followed(key)) return;
    for (const wanted of all) this.#renew(key, wanted, tries);
  }

  /**
   * @param {string} key
   * @param {Problem} problem
   */
  #expire(key, problem) {
    this.#asking.expired(key, problem);
    this.grants.forget(key);
  }
}

const EXPIRED = localProblem("grant_expired", "the grant is not accepted any more");
