// @ts-check
/**
 * Tidings in React: a provider of the client, and hooks that follow jobs and submit them.
 *
 *     <TidingsProvider url="https://jobs.example.com"><App /></TidingsProvider>
 *
 *     const { status, progress, result, error } = useJob(token, { grant });
 *     const { submit, status, result } = useSubmit("count_words");
 */

/** @import { ReactNode } from "react" */
/** @import { GrantSource } from "./client/grants.js" */
/** @import { Options, SubmitOptions } from "./tidings.js" */
/** @import { ClientChoice } from "./frameworks/client-source.js" */
/** @import { JobState } from "./frameworks/job-view.js" */
/** @import { Tidings } from "./tidings.js" */
import {
  createContext, createElement, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore,
} from "react";
import { ClientSource, requireSource } from "./frameworks/client-source.js";
import { JobView, UNKNOWN } from "./frameworks/job-view.js";
import { SubmissionView } from "./frameworks/submission-view.js";

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
 * @param {string | null | undefined} token None: there is no job yet.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`; a callback may be another in each rendering.
 * @returns {JobState}
 */
export function useJob(token, { grant } = {}) {
  const source = requireSource(useContext(Source), ADVICE);
  const latest = useLatest(grant);
  const view = useMemo(() => {
    if (!token) return new JobView(() => null);
    return new JobView(() => source.client.watch(token, { grant: grantOf(latest) }), token);
  }, [source, token, latest]);
  return useView(view);
}

/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused, and stays the same function. While one has not been
 * accepted, another call is the same submission.
 *
 * @param {string} kind
 * @returns {JobState & {submit: (input: object, options?: SubmitOptions) => Promise<string | null>}}
 */
export function useSubmit(kind) {
  const source = requireSource(useContext(Source), ADVICE);
  const view = useStable(source, kind);
  const seen = useView(view);
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

/** @param {JobView} view @returns {JobState} */
function useView(view) {
  const subscribe = useMemo(() => view.subscribe.bind(view), [view]);
  return useSyncExternalStore(subscribe, () => view.seen, () => UNKNOWN);
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

/** @param {{current: GrantSource | undefined}} latest @returns {GrantSource | undefined} */
function grantOf(latest) {
  const grant = latest.current;
  return typeof grant === "function" ? () => /** @type {() => string | Promise<string>} */ (latest.current)() : grant;
}
