// @ts-check
/** A React hook that follows a job. */

import { useEffect, useState } from "react";

/**
 * @typedef {object} Seen What is known of a job.
 * @property {string | null} status
 * @property {import("tidings").Progress | null} progress
 * @property {any} result What it returned, once it has.
 * @property {import("tidings").TidingsError | null} error Why there is no result, once there will be none.
 */

/** @type {Seen} */
const UNKNOWN = { status: null, progress: null, result: undefined, error: null };

/**
 * Returns the newest state of a job, and renders again when it changes: {status, progress, result, error}.
 *
 * A component may come and go, and render twice as in strict mode: the job itself goes on, and the hook
 * follows it from where it stands. Submit in the handler of a click, not while rendering.
 *
 * @param {import("tidings").Tidings} tidings One for the whole application, made outside any component.
 * @param {string | null} token Null: there is no job yet.
 * @returns {Seen}
 */
export function useJob(tidings, token) {
  const [seen, setSeen] = useState(UNKNOWN);
  useEffect(() => {
    setSeen(UNKNOWN);
    if (!token) return;
    const abort = new AbortController();
    const { signal } = abort;
    const job = tidings.watch(token, { signal });
    /** @param {Partial<Seen>} [more] */
    const show = (more) => { if (!signal.aborted) setSeen({ ...UNKNOWN, status: job.status, progress: job.progress, ...more }); };
    job.on("state", () => show());
    job.on("progress", () => show());
    job.result.then((result) => show({ result }), (error) => show({ error }));
    return () => abort.abort();
  }, [tidings, token]);
  return seen;
}
