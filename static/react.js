// @ts-check
/**
 * Tidings in React: a provider of the client, and hooks that follow jobs and submit them.
 *
 *     <TidingsProvider url="https://jobs.example.com"><App /></TidingsProvider>
 *
 *     const { status, progress, result, error } = useJob(token, { grant });
 *     const { submit, status, result } = useSubmit("count_words");
 *     const { jobs, ready, error } = useJobs("report", { grant });
 */

/** @import { ReactNode } from "react" */
/** @import { GrantSource } from "./client/jobs/grants.js" */
/** @import { Options, SubmitOptions } from "./tidings.js" */
/** @import { ClientChoice } from "./frameworks/client-source.js" */
/** @import { JobsOptions } from "./frameworks/jobs-view.js" */
/** @import { Tidings } from "./tidings.js" */
/** @import { View } from "./frameworks/view.js" */
import {
  createContext, createElement, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore,
} from "react";
import { grantFrom } from "./client/jobs/grants.js";
import { ClientSource, requireSource } from "./frameworks/client-source.js";
import { JobView, UNKNOWN } from "./frameworks/job-view.js";
import { JobsView, NO_JOBS } from "./frameworks/jobs-view.js";
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

const Source = createContext(/** @type {ClientSource | null} */ (null));

const ADVICE = "put <TidingsProvider> around the component";

/**
 * Gives the components below it a client: `client`, or one that it makes of `url` and `options` when the first of them
 * needs it, and closes when it goes. On a server it makes none.
 *
 * @param {{client?: Tidings, url?: string | URL, options?: Options, children?: ReactNode}} props
 */
export function TidingsProvider({ client, url, options, children }) {
  const given = useRef(options);
  const address = url?.toString();
  const source = useMemo(() => {
    /** @type {ClientChoice} */
    const choice = client ? { client } : { url: address, options: given.current };
    return new ClientSource(choice);
  }, [client, address]);
  const alive = useRef(0);
  useEffect(() => {
    alive.current += 1;
    return () => {
      alive.current -= 1;
      // Strict mode takes it down and puts it up again at once.
      const mounts = alive.current;
      setTimeout(() => { if (mounts === 0 && alive.current === 0) source.close(); });
    };
  }, [source]);
  return createElement(Source.Provider, { value: source }, children);
}

/** The client, in effects and handlers. @returns {Tidings} */
export function useTidings() {
  return requireSource(useContext(Source), ADVICE).client;
}

/**
 * Follows a job, and renders again whenever its state changes.
 *
 * @template [Result=any] What the job returns.
 * @param {string | null | undefined} token None: there is no job yet.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`. A callback may be another in each rendering;
 *   another text follows the job by that.
 * @returns {JobState<Result>}
 */
export function useJob(token, { grant } = {}) {
  const source = requireSource(useContext(Source), ADVICE);
  const latest = useLatest({ grant });
  const text = textOf(grant);
  const view = useMemo(() => {
    if (!token) return new JobView(() => null);
    return new JobView(() => source.client.watch(token, { grant: text ?? grantOf(latest) }), token);
  }, [source, token, text, latest]);
  return useView(view, UNKNOWN);
}

/**
 * Follows all jobs with a tag, and renders again whenever one is submitted or changes.
 *
 * @template [Result=any] What the jobs return.
 * @param {string | null | undefined} tag None: there is no tag yet.
 * @param {JobsOptions} [options] A callback for `grant` may be another in each rendering.
 * @returns {JobsState<Result>}
 * @throws {RangeError} `limit` is not between 1 and 1,000.
 */
export function useJobs(tag, { grant, owner, since, limit } = {}) {
  const source = requireSource(useContext(Source), ADVICE);
  const latest = useLatest({ grant, since });
  const text = textOf(grant);
  const view = useMemo(() => new JobsView((again) => {
    if (!tag) return null;
    return source.client.follow(tag, { grant: text ?? grantOf(latest), owner, since: latest.current.since ?? again });
  }, limit), [source, tag, text, owner, limit, latest]);
  return useView(view, NO_JOBS);
}

/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused, and stays the same function. While one has not been
 * accepted, another call is the same submission.
 *
 * @template [Result=any] What the jobs return.
 * @template {object} [Input=object]
 * @param {string} kind
 * @returns {JobState<Result> & {submit: (input: Input, options?: SubmitOptions) => Promise<string | null>}}
 */
export function useSubmit(kind) {
  const source = requireSource(useContext(Source), ADVICE);
  const view = useStable(source, kind);
  const seen = useView(view, UNKNOWN);
  const submit = useMemo(() => view.submit.bind(view), [view]);
  return useMemo(() => ({ ...seen, submit }), [seen, submit]);
}

/**
 * @param {ClientSource} source
 * @param {string} kind
 */
function useStable(source, kind) {
  const [made, setMade] = useState(() => ({ source, kind, view: new SubmissionView(source, kind) }));
  if (made.source === source && made.kind === kind) return made.view;
  const next = { source, kind, view: new SubmissionView(source, kind) };
  setMade(next);
  return next.view;
}

/**
 * @template State
 * @param {View<State>} view
 * @param {State} nothing What a server renders.
 */
function useView(view, nothing) {
  const subscribe = useMemo(() => view.subscribe.bind(view), [view]);
  return useSyncExternalStore(subscribe, () => view.seen, () => nothing);
}

/**
 * @template T
 * @param {T} value
 */
function useLatest(value) {
  const latest = useRef(value);
  useEffect(() => { latest.current = value; });
  return latest;
}

/** @param {GrantSource | undefined} grant @returns {string | undefined} */
const textOf = (grant) => (typeof grant === "string" ? grant : undefined);

/**
 * @param {{current: {grant?: GrantSource}}} latest
 * @returns {GrantSource | undefined} What asks the newest callback.
 */
function grantOf(latest) {
  return latest.current.grant && (() => grantFrom(latest.current.grant));
}
