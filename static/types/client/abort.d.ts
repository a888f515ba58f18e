/** @import { Follow } from "./jobs/follow.js" */
/** @import { Job } from "./jobs/job.js" */
/**
 * Calls `act` when a signal aborts, unless what it is for has ended before.
 *
 * @param {Job | Follow} one
 * @param {AbortSignal} signal
 * @param {() => void} act
 */
export function onAbort(one: Job | Follow, signal: AbortSignal, act: () => void): void;
import type { Job } from "./jobs/job.js";
import type { Follow } from "./jobs/follow.js";
