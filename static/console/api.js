// @ts-check
/** Questions to the server over HTTP, under `/v1/admin/`. */

/** @import { Session } from "./session.js" */
import { TidingsError, localProblem } from "../client/error.js";
import { STALE } from "./session.js";

/** The longest wait for an answer: ms. */
const PATIENCE_MS = 20_000;

export class Api {
  #base = new URL("../../v1/admin/", import.meta.url);
  #session;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /**
   * @param {string} path
   * @param {Record<string, string | number | null | undefined>} [query] What is empty is left out.
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   * @throws {TidingsError} The server refuses, or does not answer.
   */
  get(path, query = {}, signal) {
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
    }
    return this.#ask(url, {}, signal);
  }

  /**
   * @param {string} path
   * @param {unknown} [body]
   * @param {"POST" | "PUT"} [method]
   * @returns {Promise<any>}
   * @throws {TidingsError} The server refuses, or does not answer.
   */
  send(path, body = {}, method = "POST") {
    const headers = { "content-type": "application/json" };
    return this.#ask(new URL(path, this.#base), { method, body: JSON.stringify(body), headers });
  }

  /**
   * @param {URL} url
   * @param {RequestInit} init
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async #ask(url, init, signal) {
    const credential = this.#session.credential;
    const headers = new Headers(init.headers);
    if (credential) headers.set("authorization", `Bearer ${credential}`);
    const limit = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(url, { ...init, headers, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    if (response.ok) return response.text().then((text) => (text ? JSON.parse(text) : null)); // some have nothing to say
    const problem = await response.json().catch(() => null);
    if (response.status === 401 || response.status === 403) {
      if (credential === this.#session.credential) await this.#session.ask(reason(response.status, credential, problem?.detail));
      return this.#ask(url, init, signal);
    }
    throw new TidingsError(problem?.code ? problem : localProblem("unavailable", `HTTP ${response.status}`));
  }
}

/**
 * @param {number} status
 * @param {string | null} credential
 * @param {string} [detail]
 */
function reason(status, credential, detail = "") {
  if (status === 403) return `This credential does not do: the console needs the scope admin. ${detail}`;
  return credential ? `${STALE} ${detail}` : "This server asks who you are.";
}
