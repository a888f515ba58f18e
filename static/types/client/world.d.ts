/**
 * Returns what a client needs from the world: what a page gave, and the usual for the rest.
 *
 * @param {Options} options
 * @param {Lesser} lesser
 * @param {() => Surroundings["credential"]} spare Returns what is asked for a credential where the page has none.
 * @returns {Surroundings}
 */
export function worldOf(options: Options, lesser: Lesser, spare: () => Surroundings["credential"]): Surroundings;
import type { Options } from "./options.js";
import type { Lesser } from "./connection/connection.js";
import type { Surroundings } from "./connection/connection.js";
