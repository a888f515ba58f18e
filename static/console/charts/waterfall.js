// @ts-check
/** The arithmetic of a job's waterfall: what happened when, one span below the other. */

/** @import { Step } from "../../client/frame.js" */

/**
 * @typedef {object} Span
 * @property {string} name
 * @property {string} tone `wait`, `run`, `step`, `undo` or `bad`.
 * @property {number} from ms since the epoch.
 * @property {number | null} to Null: it goes on.
 * @property {number} depth
 * @property {string} [note]
 */

/**
 * Returns the spans between a job's milestones, and those of its steps.
 *
 * @param {Record<string, string | null | undefined>} milestones RFC 3339.
 * @param {Step[]} steps
 * @param {boolean} ended
 * @param {number} [attempt] Which one the milestones are of.
 * @returns {Span[]}
 */
export function spans(milestones, steps, ended, attempt = 1) {
  const at = (/** @type {string} */ name) => (milestones[name] ? Date.parse(/** @type {string} */ (milestones[name])) : null);
  const [submitted, queued, started, finished] = ["submitted", "queued", "started", "finished"].map(at);
  /** @type {Span[]} */
  const made = [];
  const add = (/** @type {string} */ name, /** @type {string} */ tone, /** @type {number | null} */ from, /** @type {number | null} */ to) => {
    if (from !== null && (to === null ? !ended : to >= from)) made.push({ name, tone, from, to, depth: 0 });
  };
  // A later attempt is queued after the one before it had started; no milestone says what lies between.
  const ready = queued !== null && submitted !== null && queued > submitted ? queued : null;
  if (ready !== null) add("before the queue", "wait", submitted, ready);
  add(attempt > 1 ? "until the last attempt" : "waiting for a worker", "wait", ready ?? submitted, started !== null && started >= (ready ?? submitted ?? 0) ? started : started === null ? finished : null);
  add("running", "run", started, finished);
  for (const step of steps) {
    if (!step.began) continue;
    const to = step.ended ? Date.parse(step.ended) : null;
    if (to === null && ended) continue;
    const tone = step.status.startsWith("compensat") ? "undo" : step.status === "failed" ? "bad" : "step";
    made.push({ name: step.name, tone, from: Date.parse(step.began), to, depth: step.path.split(".").length, note: step.status });
  }
  return made;
}

/**
 * Returns where a span stands between the first moment and the last, in hundredths.
 *
 * @param {Span} span
 * @param {number} first ms
 * @param {number} last ms
 */
export function place({ from, to }, first, last) {
  const whole = Math.max(1, last - first);
  const start = (100 * (from - first)) / whole;
  return { start, width: Math.max(0.4, (100 * ((to ?? last) - from)) / whole) };
}
