// @ts-check
/**
 * The last resort: long polls. Each asks for one job, or for the list of a tag, and is answered when there is something new.
 *
 * Browsers open few connections, and some have to be left for submits: of many jobs a few are
 * asked for at a time, in turn and with little patience.
 */

/** @import { JobPage, ListedJob } from "../frame.js" */
/** @import { FollowedTag } from "./http.js" */
import { HttpTransport } from "./http.js";

/** Polls at one time. */
const POLLS = 4;
/** Seconds the server may keep a poll: alone, and when others wait for their turn. */
const LONG_S = 25;
const SHORT_S = 1;
/** Least time between two polls that brought nothing, ms: a server that does not wait is not to be hammered. */
const PAUSE_MS = 1000;
/** Jobs that the follow of one tag remembers. */
const MOST_KNOWN = 10_000;
const LIVE = ["scheduled", "queued", "running", "waiting"];

export class PollTransport extends HttpTransport {
  /** @type {Set<string>} */
  #polled = new Set();

  /** @override */
  follow() {
    const most = POLLS - this.tags.size;
    for (const token of this.followed.keys()) {
      if (this.#polled.size < most && !this.#polled.has(token)) this.attempt(null, () => this.#poll(token));
    }
  }

  /** @param {string} token */
  async #poll(token) {
    this.#polled.add(token);
    const earliest = this.world.now() + PAUSE_MS;
    const after = this.followed.get(token) ?? 0;
    const wait = this.followed.size > POLLS - this.tags.size ? SHORT_S : LONG_S;
    if (!await this.look(null, token, after, { "if-none-match": `"${after}"`, "prefer": `wait=${wait}` })) await this.#rest(earliest);
    this.#polled.delete(token);
    const seq = this.followed.get(token);
    if (this.followed.delete(token)) this.followed.set(token, seq ?? 0); // to the end of the row
    this.follow();
  }

  /**
   * Lists the jobs of a tag that live, and then, over and over, the newest.
   *
   * @override
   * @param {FollowedTag} followed
   */
  async followTag(followed) {
    const { tag, ref } = followed;
    const since = Date.parse(followed.since ?? ""); // NaN is after everything
    /** @type {Map<string, boolean>} Token → whether the page is to have it. */
    const known = new Map();
    const begin = await this.#list(followed, {});
    const { at } = begin.page;
    for (let { page } = begin; ; ({ page } = await this.#list(followed, { cursor: page.next ?? "" }))) {
      for (const job of page.jobs) known.set(job.token, job.finished === null || Date.parse(job.finished) >= since);
      if (page.next === null || !(Date.parse(page.jobs.at(-1)?.submitted ?? at) >= since)) break;
    }
    for (const state of LIVE) for (const job of await this.#all(followed, state)) known.set(job.token, true);
    const fresh = [...known].filter(([, wanted]) => wanted).map(([token]) => token);
    this.ear.frame({ type: "following", ref, tag, jobs: fresh.length, at });
    this.attempt(null, async () => {
      await this.#announce(followed, fresh);
      for (let etag = begin.etag; this.tags.get(tag) === followed; ) {
        const earliest = this.world.now() + PAUSE_MS;
        const { page, etag: newer } = await this.#list(followed, {}, etag);
        if (newer === etag || !await this.#announce(followed, await this.#news(followed, known, page))) await this.#rest(earliest);
        etag = newer;
      }
    });
  }

  /**
   * Returns the tokens that are not known yet, of a first page and as many pages behind it as may have some.
   *
   * @param {FollowedTag} followed
   * @param {Map<string, boolean>} known
   * @param {JobPage} page
   */
  async #news(followed, known, page) {
    /** @type {string[]} */
    const news = [];
    for (;;) {
      const fresh = page.jobs.filter(({ token }) => !known.has(token));
      for (const { token } of fresh) known.set(token, true);
      news.push(...fresh.map(({ token }) => token));
      if (fresh.length < page.jobs.length || page.next === null) break;
      page = (await this.#list(followed, { cursor: page.next })).page;
    }
    for (const token of known.keys()) {
      if (known.size <= MOST_KNOWN) break;
      known.delete(token);
    }
    return news;
  }

  /**
   * Passes on the snapshots of jobs that were found, and polls those that live.
   *
   * @param {FollowedTag} followed
   * @param {string[]} tokens
   * @returns {Promise<boolean>} Whether there were any.
   */
  async #announce({ tag, grant }, tokens) {
    for (const token of tokens) {
      if (!this.tags.has(tag)) break;
      if (grant && !this.grants.has(token)) this.grants.set(token, grant);
      if (!this.followed.has(token)) this.add(token, 0);
      try {
        await this.look(null, token, 0);
      } catch (/** @type {any} */ error) {
        this.followed.delete(token);
        if (error.code !== "unknown_token") throw error; // its record has left since it was listed
      }
    }
    this.follow();
    return tokens.length > 0;
  }

  /**
   * @param {FollowedTag} followed
   * @param {string} state
   * @returns {Promise<ListedJob[]>} Those in one state.
   */
  async #all(followed, state) {
    const jobs = [];
    /** @type {string | null | undefined} */
    let cursor;
    do {
      const { page } = await this.#list(followed, { state, ...(cursor && { cursor }) });
      jobs.push(...page.jobs);
      cursor = page.next;
    } while (cursor && jobs.length < MOST_KNOWN);
    return jobs;
  }

  /**
   * @param {FollowedTag} followed
   * @param {{state?: string, cursor?: string}} more
   * @param {string} [etag] Waits for another page than this one.
   * @returns {Promise<{page: JobPage, etag: string}>}
   */
  async #list({ tag, owner, grant }, more, etag) {
    const query = new URLSearchParams({ tag, limit: "100", ...(owner !== undefined && { owner }), ...more });
    const response = await this.fetch(`jobs?${query}`, {
      headers: {
        ...(grant && { authorization: `Bearer ${grant}` }),
        ...(etag && { "if-none-match": etag, "prefer": `wait=${LONG_S}` }),
      },
    });
    const page = response.status === 304 ? { jobs: [], next: null, at: "" } : await response.json();
    return { page, etag: response.headers.get("etag") ?? "" };
  }

  /** @param {number} earliest */
  async #rest(earliest) {
    const { now, timers } = this.world;
    await new Promise((resolve) => timers.set(() => resolve(null), earliest - now()));
  }
}

