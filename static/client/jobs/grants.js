// @ts-check
/**
 * The grants by which jobs and tags are followed that the page's credential, if it has one, does not open.
 *
 * Each is kept under the token of its job, or under the key of its tag; a job that a follow has found goes by the tag's.
 */

/** @typedef {string | (() => string | Promise<string>)} GrantSource A grant; or what returns a fresh one. */

/** Stands before a tag: no token has a blank. */
const TAG = "tag ";

/** @param {string} tag @returns {string} The key under which a tag's grant is kept. */
export const tagKey = (tag) => TAG + tag;

/** @param {string} key @returns {string | null} The tag of a key; null: it is a token. */
export const tagOf = (key) => key.startsWith(TAG) ? key.slice(TAG.length) : null;

export class Grants {
  /** @type {Map<string, GrantSource>} By key. */
  #sources = new Map();
  /** @type {Map<string, string>} Those that were fetched, by key. */
  #texts = new Map();
  /** @type {Set<string>} Keys whose grant was fetched for this connection, and is not about to run out. */
  #fresh = new Set();
  /** @type {Map<string, string>} Tokens of jobs that were found by a follow → the key of its tag. */
  #found = new Map();
  /** @type {string | null} The key of the grant that was last shown for a credential; null: none was. */
  #shown = null;
  #followed;

  /** @param {(key: string) => boolean} followed Whether anything that a grant opens is still followed. */
  constructor(followed) {
    this.#followed = followed;
  }

  /**
   * @param {string} key
   * @param {GrantSource} source
   */
  keep(key, source) {
    this.#sources.set(key, source);
    this.#fresh.delete(key);
  }

  /** @param {string} key */
  forget(key) {
    for (const one of [this.#sources, this.#texts, this.#fresh, this.#found]) one.delete(key);
  }

  /**
   * Has a job go by the grant of a tag, if there is one.
   *
   * @param {string} token
   * @param {string} key The tag's.
   */
  lend(token, key) {
    if (this.#sources.has(key) && !this.#sources.has(token)) this.#found.set(token, key);
  }

  /** @param {string} key @returns {string[]} The tokens of the jobs that go by the grant of a tag. */
  lentBy(key) {
    return [...this.#found].filter(([, one]) => one === key).map(([token]) => token);
  }

  /** @param {string} token Of a job that goes by the grant of a tag no longer. */
  part(token) {
    this.#found.delete(token);
  }

  /** @param {string} token @returns {string} The key under which its grant is kept. */
  keyOf(token) {
    return this.#found.get(token) ?? token;
  }

  /**
   * Returns what is asked for a credential where the page has none; undefined: nothing.
   *
   * A grant of what the page follows: one of a job that has ended may have run out, and a callback may refuse to renew it.
   *
   * @param {boolean} asked Whether a call waits: it may concern a job that is followed no longer.
   * @returns {(() => Promise<string>) | undefined}
   */
  credential(asked) {
    const keys = [...this.#sources.keys()];
    const key = keys.find(this.#followed) ?? (asked ? keys.at(-1) : undefined);
    if (key !== undefined) return () => { this.#shown = key; return this.fetch(key); };
    this.#shown = null;
    return undefined;
  }

  /** The key of the grant that was last shown for a credential, if it is what it is; null: there is none. */
  get shownText() {
    return this.#shown !== null && typeof this.#sources.get(this.#shown) === "string" ? this.#shown : null;
  }

  /** @param {string} key */
  renews(key) {
    return typeof this.#sources.get(key) === "function";
  }

  /**
   * Whether a grant has to be fetched before the job, or the tag, is asked for.
   *
   * @param {string} key
   */
  lacks(key) {
    return this.#sources.has(key) && !this.#fresh.has(key);
  }

  /**
   * Returns the field of a frame that concerns a job or a tag.
   *
   * @param {string} key
   * @returns {{grant?: string}}
   */
  field(key) {
    const grant = this.#texts.get(this.keyOf(key));
    return grant === undefined ? {} : { grant };
  }

  /**
   * @param {string} key
   * @returns {Promise<string>}
   */
  async fetch(key) {
    const text = await grantFrom(this.#sources.get(key));
    this.#texts.set(key, text);
    this.#fresh.add(key);
    return text;
  }

  /** A connection is gone: who is asked next time is to give a fresh one. */
  interrupt() {
    this.#fresh.clear();
  }
}

/**
 * @param {GrantSource | undefined} source
 * @returns {Promise<string>} A grant from it.
 */
export async function grantFrom(source) {
  return String(typeof source === "function" ? await source() : source);
}
