// @ts-check
/**
 * Tidings in Svelte 5: the client in a component's context, and jobs whose properties are reactive.
 *
 *     setTidings({ url: "https://jobs.example.com" }); // in the layout
 *
 *     const job = useJob(() => token, { grant }); // job.status, job.progress, …
 *     const words = useSubmit("count_words"); // words.submit({ text }), words.status, …
 */

/** @import { GrantSource } from "./client/grants.js" */
/** @import { SubmitOptions } from "./tidings.js" */
/** @import { ClientChoice } from "./frameworks/client-source.js" */
/** @import { JobState } from "./frameworks/job-view.js" */
/** @import { Tidings } from "./tidings.js" */
import { getContext, onDestroy, setContext } from "svelte";
import { createSubscriber } from "svelte/reactivity";
import { ClientSource, requireSource } from "./frameworks/client-source.js";
import { JobView } from "./frameworks/job-view.js";
import { SubmissionView } from "./frameworks/submission-view.js";

const SOURCE = Symbol("tidings");

const ADVICE = "call setTidings({ url }) in a component around it";

/**
 * Gives the components below a client: `client`, or one that is made of `url` and `options` when the first of them needs
 * it, and closed with the component that calls this. On a server none is made.
 *
 * @param {ClientChoice} [choice]
 */
export function setTidings(choice = {}) {
  const source = new ClientSource(choice);
  setContext(SOURCE, source);
  onDestroy(() => source.close());
}

/** Returns a function that gives the client, for handlers. @returns {() => Tidings} */
export function useTidings() {
  const source = requireSource(getContext(SOURCE), ADVICE);
  return () => source.client;
}

/**
 * Follows a job while a template or an effect reads its state.
 *
 * @param {string | null | undefined | (() => string | null | undefined)} token None: there is no job yet. A function where
 *   it may change: `() => token`.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`.
 * @returns {Readonly<JobState>}
 */
export function useJob(token, { grant } = {}) {
  const source = requireSource(getContext(SOURCE), ADVICE);
  /** @type {{token: string | null, seen: () => JobState} | null} */
  let last = null;
  return reactive(() => {
    const wanted = (typeof token === "function" ? token() : token) || null;
    if (!last || last.token !== wanted) {
      const follow = () => (wanted === null ? null : source.client.watch(wanted, { grant }));
      last = { token: wanted, seen: readable(new JobView(follow, wanted)) };
    }
    return last.seen();
  });
}

/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused. While one has not been accepted, another call is the
 * same submission.
 *
 * @param {string} kind
 * @returns {Readonly<JobState> & {submit: (input: object, options?: SubmitOptions) => Promise<string | null>}}
 */
export function useSubmit(kind) {
  const view = new SubmissionView(requireSource(getContext(SOURCE), ADVICE), kind);
  return Object.assign(reactive(readable(view)), { submit: view.submit.bind(view) });
}

/** @param {JobView} view @returns {() => JobState} */
function readable(view) {
  const subscribe = createSubscriber((update) => view.subscribe(update));
  return () => {
    subscribe();
    return view.seen;
  };
}

/**
 * @param {() => JobState} seen
 * @returns {Readonly<JobState>}
 */
function reactive(seen) {
  return {
    get token() { return seen().token; },
    get status() { return seen().status; },
    get progress() { return seen().progress; },
    get result() { return seen().result; },
    get error() { return seen().error; },
  };
}
