// @ts-check
/**
 * Tidings in Vue: a plugin with the client, and composables that follow jobs and submit them.
 *
 *     createApp(App).use(createTidings({ url: "https://jobs.example.com" })).mount("#app");
 *
 *     const job = useJob(token, { grant }); // job.value.status, …
 *     const { job, submit } = useSubmit("count_words");
 *     const reports = useJobs("report", { grant }); // reports.value.jobs, …
 */

/** @import { App, InjectionKey, MaybeRefOrGetter, ShallowRef } from "vue" */
/** @import { GrantSource } from "./client/jobs/grants.js" */
/** @import { SubmitOptions } from "./tidings.js" */
/** @import { ClientChoice } from "./frameworks/client-source.js" */
/** @import { JobsOptions } from "./frameworks/jobs-view.js" */
/** @import { Tidings } from "./tidings.js" */
/** @import { View } from "./frameworks/view.js" */
import { getCurrentInstance, inject, onMounted, onScopeDispose, shallowRef, toValue, watch } from "vue";
import { ClientSource, requireSource } from "./frameworks/client-source.js";
import { JobView, UNKNOWN } from "./frameworks/job-view.js";
import { JobsView, NO_JOBS, requireLimit } from "./frameworks/jobs-view.js";
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

/** @type {InjectionKey<ClientSource>} */
const SOURCE = Symbol("tidings");

const ADVICE = "app.use(createTidings({ url }))";

/**
 * Returns a plugin that gives components a client: `client`, or one that it makes of `url` and `options` when the first
 * of them needs it, and closes with the application. On a server it makes none.
 *
 * @param {ClientChoice} [choice]
 */
export function createTidings(choice = {}) {
  const source = new ClientSource(choice);
  return {
    /** @param {App} app */
    install(app) {
      app.provide(SOURCE, source);
      app.onUnmount(() => source.close());
    },
  };
}

/** Returns a function that gives the client, for handlers. @returns {() => Tidings} */
export function useTidings() {
  const source = requireSource(inject(SOURCE, null), ADVICE);
  return () => source.client;
}

/**
 * Follows a job.
 *
 * @template [Result=any] What the job returns.
 * @param {MaybeRefOrGetter<string | null | undefined>} token None: there is no job yet.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`.
 * @returns {Readonly<ShallowRef<JobState<Result>>>}
 */
export function useJob(token, { grant } = {}) {
  const source = requireSource(inject(SOURCE, null), ADVICE);
  return shown(token, UNKNOWN, (wanted) => new JobView(() => source.client.watch(wanted, { grant }), wanted));
}

/**
 * Follows all jobs with a tag.
 *
 * @template [Result=any] What the jobs return.
 * @param {MaybeRefOrGetter<string | null | undefined>} tag None: there is no tag yet.
 * @param {JobsOptions} [options]
 * @returns {Readonly<ShallowRef<JobsState<Result>>>}
 * @throws {RangeError} `limit` is not between 1 and 1,000.
 */
export function useJobs(tag, { limit, since, ...options } = {}) {
  const source = requireSource(inject(SOURCE, null), ADVICE);
  const most = requireLimit(limit);
  return shown(tag, NO_JOBS, (wanted) => {
    return new JobsView((again) => source.client.follow(wanted, { ...options, since: since ?? again }), most);
  });
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
 * @returns {{
 *   job: Readonly<ShallowRef<JobState<Result>>>,
 *   submit: (input: Input, options?: SubmitOptions) => Promise<string | null>,
 * }}
 */
export function useSubmit(kind) {
  const view = new SubmissionView(requireSource(inject(SOURCE, null), ADVICE), kind);
  const job = shallowRef(UNKNOWN);
  whenMounted(() => view.subscribe(() => { job.value = view.seen; }));
  return { job, submit: view.submit.bind(view) };
}

/**
 * Returns what a view of something shows, while the component is mounted.
 *
 * @template State
 * @param {MaybeRefOrGetter<string | null | undefined>} wanted A token or a tag.
 * @param {State} nothing What there is to see without it.
 * @param {(wanted: string) => View<State>} make
 */
function shown(wanted, nothing, make) {
  const seen = shallowRef(nothing);
  whenMounted(() => watch(() => toValue(wanted), (name, _, onCleanup) => {
    seen.value = nothing;
    if (!name) return;
    const view = make(name);
    onCleanup(view.subscribe(() => { seen.value = view.seen; }));
    seen.value = view.seen;
  }, { immediate: true }));
  return seen;
}

/**
 * Begins something in the browser alone, and ends it with the component.
 *
 * @param {() => () => void} begin
 */
function whenMounted(begin) {
  let end = () => {};
  let over = false;
  const start = () => { if (!over) end = begin(); };
  if (getCurrentInstance()) onMounted(start);
  else start();
  onScopeDispose(() => {
    over = true;
    end();
  });
}
