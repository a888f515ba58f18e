// @ts-check
/** The client of an application's components: given, or made when a component first needs it, never on a server. */

/** @import { Options } from "../tidings.js" */
import { Tidings } from "../tidings.js";

/** @typedef {{client: Tidings} | {url?: string | URL, options?: Options}} ClientChoice A client, or how to make one. */

export class ClientSource {
  /** @type {Tidings | null} */
  #made = null;
  /** @type {ClientChoice} */
  #choice;

  /** @param {ClientChoice} choice */
  constructor(choice) {
    this.#choice = choice;
  }

  /** The client. It connects when it is made, so pages that are rendered on a server do not ask for it. */
  get client() {
    if ("client" in this.#choice) return this.#choice.client;
    return (this.#made ??= new Tidings(this.#choice.url, this.#choice.options));
  }

  /** Closes a client that was made here. */
  close() {
    this.#made?.close();
    this.#made = null;
  }
}

/**
 * @param {ClientSource | null | undefined} source
 * @param {string} advice What an application does that has forgotten it.
 * @returns {ClientSource}
 */
export function requireSource(source, advice) {
  if (!source) throw new Error(`there is no Tidings client here: ${advice}`);
  return source;
}
