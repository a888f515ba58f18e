// @ts-check
/** The grants by which jobs are watched that the page's credential, if it has one, does not open. */

/** @typedef {string | (() => string | Promise<string>)} GrantSource A grant; or what returns a fresh one. */

export class Grants {
  /** @type {Map<string, GrantSource>} By token. */
  #sources = new Map();
  /** @type {Map<string, string>} Those that were fetched, by token. */
  #texts = new Map();
  /** @type {Set<string>} Tokens whose grant was fetched for this connection, and is not about to run out. */
  #fresh = new Set();

  /**
   * @param {string} token
   * @param {GrantSource} source
   */
  keep(token, source) {
    this.#sources.set(token, source);
    this.#fresh.delete(token);
  }

  /** @param {string} token */
  forget(token) {
    for (const one of [this.#sources, this.#texts, this.#fresh]) one.delete(token);
  }

  /** What may be asked for a credential where the page has none; undefined: nothing. */
  get credential() {
    const [token] = this.#sources.keys();
    return token === undefined ? undefined : () => this.fetch(token);
  }

  /** The tokens whose grant is what it is. */
  get fixed() {
    return [...this.#sources].filter(([, source]) => typeof source === "string").map(([token]) => token);
  }

  /** @param {string} token */
  renews(token) {
    return typeof this.#sources.get(token) === "function";
  }

  /**
   * Whether a grant has to be fetched before the job is asked for.
   *
   * @param {string} token
   */
  lacks(token) {
    return this.#sources.has(token) && !this.#fresh.has(token);
  }

  /**
   * Returns the field of a frame that concerns a job.
   *
   * @param {string} token
   * @returns {{grant?: string}}
   */
  field(token) {
    const grant = this.#texts.get(token);
    return grant === undefined ? {} : { grant };
  }

  /**
   * @param {string} token
   * @returns {Promise<string>}
   */
  async fetch(token) {
    const source = this.#sources.get(token);
    const text = String(typeof source === "function" ? await source() : source);
    this.#texts.set(token, text);
    this.#fresh.add(token);
    return text;
  }

  /** A connection is gone: who is asked next time is to give a fresh one. */
  interrupt() {
    this.#fresh.clear();
  }
}
