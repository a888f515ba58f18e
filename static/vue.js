// @ts-check
/**
 * Tidings in Vue: a plugin with the client, and composables that follow jobs and submit them.
 *
 *     createApp(App).use(createTidings({ url: "https://jobs.example.com" })).mount("#app");
 *
 *     const job = useJob(token, { grant }); // job.value.status, …
 *     const { job, submit } = useSubmit("count_words");
 */

/** @import { App, InjectionKey, MaybeRefOrGetter, ShallowRef } from "vue" */
/** @import { GrantSource } from "./client/grants.js" */
/** @import { SubmitOptions } from "./tidings.js" */
/** @import { ClientChoice } from "./frameworks/client-source.js" */
/** @import { JobState } from "./frameworks/job-view.js" */
/** @import { Tidings } from "./tidings.js" */
import { getCurrentInstance, inject, onMounted, onScopeDispose, shallowRef, toValue, watch } from "vue";
import { ClientSource, requireSource } from "./frameworks/client-source.js";
import { JobView, UNKNOWN } from "./frameworks/job-view.js";
import { SubmissionView } from "./frameworks/submission-view.js";

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
 * @param {MaybeRefOrGetter<string | null | undefined>} token None: there is no job yet.
 * @param {{grant?: GrantSource}} [options] `grant`: as of `Tidings.watch`.
 * @returns {Readonly<ShallowRef<JobState>>}
 */
export function useJob(token, { grant } = {}) {
  const source = requireSource(inject(SOURCE, null), ADVICE);
  const seen = shallowRef(UNKNOWN);
  whenMounted(() => watch(() => toValue(token), (wanted, _, onCleanup) => {
    seen.value = UNKNOWN;
    if (!wanted) return;
    const view = new JobView(() => source.client.watch(wanted, { grant }), wanted);
    onCleanup(view.subscribe(() => { seen.value = view.seen; }));
    seen.value = view.seen;
  }, { immediate: true }));
  return seen;
}

/**
 * Submits jobs of a kind, one at a time, and follows the newest.
 *
 * `submit` returns the token, or null where the submission is refused. While one has not been accepted, another call is the
 * same submission.
 *
 * @param {string} kind
 * @returns {{
 *   job: Readonly<ShallowRef<JobState>>,
 *   submit: (input: object, options?: SubmitOptions) => Promise<string | null>,
 * }}
 */
export function useSubmit(kind) {
  const view = new SubmissionView(requireSource(inject(SOURCE, null), ADVICE), kind);
  const job = shallowRef(UNKNOWN);
  whenMounted(() => view.subscribe(() => { job.value = view.seen; }));
  return { job, submit: view.submit.bind(view) };
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
