// @ts-check
/** One's own jobs, read page by page over HTTP. */

/** @import { JobPage, ListedJob, Problem } from "../frame.js" */
/** @import { ListOptions } from "../options.js" */
import { TidingsError, localProblem } from "../error.js";

/**
 * @typedef {object} ListLink What it needs of the client.
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @property {string} base Where the paths of HTTP begin.
 * @property {() => Promise<string | null | undefined>} credential
 */

/**
 * A list of jobs, the newest first: `await` it for one page, or iterate over all jobs.
 *
 * Each `await` and each iterator asks the server again.
 *
 * @implements {PromiseLike<JobPage>}
 * @implements {AsyncIterable<ListedJob>}
 */
export class JobPages {
  #link;
  #options;

  /**
   * Not for you: it comes from `jobs`.
   *
   * @param {ListLink} link
   * @param {ListOptions} options
   */
  constructor(link, options) {
    this.#link = link;
    this.#options = options;
  }

  /**
   * @template [Value=JobPage], [Failed=never]
   * @param {((page: JobPage) => Value | PromiseLike<Value>) | null} [fulfilled]
   * @param {((error: TidingsError) => Failed | PromiseLike<Failed>) | null} [rejected]
   * @returns {Promise<Value | Failed>}
   */
  then(fulfilled, rejected) {
    return this.#page(this.#options.cursor).then(fulfilled, rejected);
  }

  /** @returns {AsyncGenerator<ListedJob, void>} */
  async *[Symbol.asyncIterator]() {
    let { cursor } = this.#options;
    do {
      const page = await this.#page(cursor);
      yield* page.jobs;
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
  }

  /**
   * @param {string} [cursor]
   * @returns {Promise<JobPage>}
   */
  async #page(cursor) {
    const { signal, tag, kind, state, owner, limit } = this.#options;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ tag, kind, state, owner, limit, cursor })) {
      if (value !== undefined) query.set(name, String(value));
    }
    const { base, fetch, credential } = this.#link;
    /** @type {Response | undefined} */
    let response;
    try {
      const bearer = await credential();
      const headers = { accept: "application/json", ...(bearer != null && { authorization: `Bearer ${bearer}` }) };
      response = await fetch(`${base}jobs?${query}`, { headers, signal: signal ?? null });
      const answer = await response.json();
      if (response.ok) return answer;
      throw new TidingsError(typeof answer?.code === "string" ? answer : unreadable(response.status));
    } catch (error) {
      if (error instanceof TidingsError) throw error;
      if (signal?.aborted) throw new TidingsError(localProblem("aborted", "aborted by the caller"));
      throw new TidingsError(response ? unreadable(response.status) : localProblem("unreachable", `no answer: ${error}`));
    }
  }
}

/** @param {number} status @returns {Problem} */
const unreadable = (status) => localProblem("unreachable", `HTTP ${status}, and not from the server of Tidings`);
