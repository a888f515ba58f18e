// @ts-check
/** @import { Lesser, Surroundings } from "./connection/connection.js" */
/** @import { Options } from "./options.js" */
import { BACKOFF } from "./connection/backoff.js";

/**
 * Returns what a client needs from the world: what a page gave, and the usual for the rest.
 *
 * @param {Options} options
 * @param {Lesser} lesser
 * @param {() => Surroundings["credential"]} spare Returns what is asked for a credential where the page has none.
 * @returns {Surroundings}
 */
export function worldOf(options, lesser, spare) {
  /** @type {Surroundings} */
  const world = {
    WebSocket: globalThis.WebSocket,
    fetch: (input, init) => fetch(input, init),
    now: Date.now,
    random: Math.random,
    timers: { set: (f, ms) => setTimeout(f, ms), clear: (id) => clearTimeout(id) },
    events: globalThis.window ?? null,
    credential: undefined, // below
    silenceMs: 60_000,
    helloMs: 10_000,
    stableMs: 10_000,
    upgradeMs: 60_000,
    ...options,
    lesser,
    backoff: { ...BACKOFF, ...options.backoff },
  };
  return Object.defineProperty(world, "credential", { get: () => options.credential ?? spare() });
}
