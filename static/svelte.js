// @ts-check
/**
 * Tidings in Svelte 5: the client in a component's context, and jobs whose properties are reactive.
 *
 *     setTidings({ url: "https://jobs.example.com" }); // in the layout
 *
 *     const job = useJob(() => token, { grant }); // job.status, job.progress, …
 *     const words = useSubmit("count_words"); // words.submit({ text }), words.status, …
 *     const reports = useJobs("report", { grant }); // reports.jobs, reports.ready, …
 */

/** @import { GrantSource } from "./client/jobs/grants.js" */
/** @import { SubmitOptions } from "./tidings.js" */
/** @import { ClientChoice } from "./frameworks/client-source.js" */
/** @import { JobsOptions } from "./frameworks/jobs-view.js" */
/** @import { Tidings } from "./tidings.js" */
/** @import { View } from "./frameworks/view.js" */
import { getContext, onDestroy, setContext } from "svelte";
import { createSubscriber } from "svelte/reactivity";
import { ClientSource, requireSource } from "./frameworks/client-source.js";
import { JobView } from "./frameworks/job-view.js";
import { JobsView, requireLimit } from "./frameworks/jobs-view.js";
import { SubmissionView } from "./frameworks/submission-view.js";

/**
 * @template [Result=any]
 * @typedef {import("./frameworks/job-view.js").JobState<Result>} JobState
 */
/**
 * @template [Result=any]
 * @typedef {import("./frameworks/jobs-view.js").JobsState<Result>} JobsState
 */
/**
 * @template [Result=any]
 * @typedef {import("./frameworks/jobs-view.js").TaggedJob<Result>} TaggedJob
 */

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
 * @template [Result=any] What the job returns.
 * @param {string | null | undefined | (() => string | null | undefined)} token None: there is no job yet. A function where
 *   it may change: `() => token`.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`.
 * @returns {Readonly<JobState<Result>>}
 */
export function useJob(token, { grant } = {}) {
  const source = requireSource(getContext(SOURCE), ADVICE);
  return reactive(newest(token, (wanted) => {
    return new JobView(() => (wanted === null ? null : source.client.watch(wanted, { grant })), wanted);
  }));
}

/**
 * Follows all jobs with a tag while a template or an effect reads them.
 *
 * @template [Result=any] What the jobs return.
 * @param {string | null | undefined | (() => string | null | undefined)} tag None: there is no tag yet. A function where
 *   it may change: `() => tag`.
 * @param {JobsOptions} [options]
 * @returns {Readonly<JobsState<Result>>}
 * @throws {RangeError} `limit` is not between 1 and 1,000.
 */
export function useJobs(tag, { limit, since, ...options } = {}) {
  const source = requireSource(getContext(SOURCE), ADVICE);
  const most = requireLimit(limit);
  const seen = newest(tag, (wanted) => {
    if (wanted === null) return new JobsView(() => null, most);
    return new JobsView((again) => source.client.follow(wanted, { ...options, since: since ?? again }), most);
  });
  return {
    get jobs() { return seen().jobs; },
    get ready() { return seen().ready; },
    get more() { return seen().more; },
    get error() { return seen().error; },
  };
}

/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused. While one has not been accepted, another call is the
 * same submission.
 *
 * @template [Result=any] What the jobs return.
 * @template {object} [Input=object]
 * @param {string} kind
 * @returns {Readonly<JobState<Result>> & {submit: (input: Input, options?: SubmitOptions) => Promise<string | null>}}
 */
export function useSubmit(kind) {
  const view = new SubmissionView(requireSource(getContext(SOURCE), ADVICE), kind);
  return Object.assign(reactive(readable(view)), { submit: view.submit.bind(view) });
}

/**
 * Returns a function that reads the state of the view that is wanted now.
 *
 * @template State
 * @param {string | null | undefined | (() => string | null | undefined)} name Of a job or a tag.
 * @param {(wanted: string | null) => View<State>} make
 * @returns {() => State}
 */
function newest(name, make) {
  /** @type {{wanted: string | null, seen: () => State} | null} */
  let last = null;
  return () => {
    const wanted = (typeof name === "function" ? name() : name) || null;
    if (!last || last.wanted !== wanted) last = { wanted, seen: readable(make(wanted)) };
    return last.seen();
  };
}

/**
 * @template State
 * @param {View<State>} view
 * @returns {() => State}
 */
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
