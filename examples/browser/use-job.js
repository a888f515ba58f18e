/** A React hook that follows a job. */

import { useEffect, useState } from "react";

const UNKNOWN = { status: null, progress: null, result: undefined, error: null };

/**
 * Returns what is known of a job, anew whenever that changes: {status, progress, result, error}.
 *
 * A component may come and go, and be drawn twice as in strict mode: the job itself goes on, and is
 * followed from where it stands. Submit in the handler of a click, not while drawing.
 *
 * @param {import("tidings").Tidings} tidings One for the whole application, made outside any component.
 * @param {string | null} token Null: there is no job yet.
 */
export function useJob(tidings, token) {
  const [seen, setSeen] = useState(UNKNOWN);
  useEffect(() => {
    setSeen(UNKNOWN);
    if (!token) return;
    const abort = new AbortController();
    const { signal } = abort;
    const job = tidings.watch(token, { signal });
    const show = (more) => { if (!signal.aborted) setSeen({ ...UNKNOWN, status: job.status, progress: job.progress, ...more }); };
    job.on("state", () => show());
    job.on("progress", () => show());
    job.result.then((result) => show({ result }), (error) => show({ error }));
    return () => abort.abort();
  }, [tidings, token]);
  return seen;
}
