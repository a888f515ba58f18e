// @ts-check
/** @import { Follow } from "./jobs/follow.js" */
/** @import { Job } from "./jobs/job.js" */

/**
 * Calls `act` when a signal aborts, unless what it is for has ended before.
 *
 * @param {Job | Follow} one
 * @param {AbortSignal} signal
 * @param {() => void} act
 */
export function onAbort(one, signal, act) {
  if (signal.aborted) return queueMicrotask(act);
  signal.addEventListener("abort", act, { once: true });
  const forget = () => signal.removeEventListener("abort", act);
  const { on } = /** @type {{on: (name: string, listener: () => void) => void}} */ (one);
  for (const name of ["finished", "refused"]) on.call(one, name, forget);
}
