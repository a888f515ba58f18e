/** The hooks of React, Vue and Svelte in a strict project; compiled, never run. */
import { TidingsError } from "tidings";
import * as react from "tidings/react";
import * as svelte from "tidings/svelte";
import * as vue from "tidings/vue";
import { ref } from "vue";

type Words = { words: number };
type Text = { text: string };
const fresh = async () => "tdg_fresh";

export function Report({ token }: { token: string | null }) {
  const { status, progress, result, error } = react.useJob<Words>(token, { grant: fresh });
  const failed: TidingsError | null = error;
  const known: number | undefined = result?.words;
  // @ts-expect-error a report has no such field
  const wrong = result?.letters;
  // @ts-expect-error there is no such option
  react.useJob(token, { grants: fresh });
  // @ts-expect-error a token is a text
  react.useJob(7);
  return <p title={status?.toUpperCase()}>{progress?.fraction} {known} {failed?.code} {wrong}</p>;
}

export function Reports() {
  const { jobs, ready, more, error } = react.useJobs<Words>("report", { grant: "tdg_text", since: "2026-01-01T00:00:00Z", limit: 20 });
  // @ts-expect-error the limit is a number
  react.useJobs("report", { limit: "20" });
  // @ts-expect-error a list is not the component's to change
  jobs.pop();
  const rows = jobs.map((one: react.TaggedJob<Words>) => (
    <li key={one.token} title={one.submitted}>{one.kind.toUpperCase()} {one.tags.join()} {one.result?.words.toFixed()}</li>
  ));
  return <ul aria-busy={!ready}>{rows}{more && "…"}{error?.problem.detail}</ul>;
}

export function Ask() {
  const { submit, result } = react.useSubmit<Words, Text>("count_words");
  const untyped = react.useSubmit("count_words");
  // @ts-expect-error the field is missing
  void submit({});
  const click = async () => {
    const token: string | null = await submit({ text: "to be" }, { tags: ["report"] });
    void untyped.submit({ anything: 1 });
    return token;
  };
  return <button onClick={click}>{result?.words} {untyped.result.anything}</button>;
}

export function App() {
  return (
    <react.TidingsProvider url="https://jobs.example.com" options={{ credential: () => "key" }}>
      <Report token={null} /><Reports /><Ask />
      {/* @ts-expect-error a provider has no such property */}
      <react.TidingsProvider address="https://jobs.example.com" />
    </react.TidingsProvider>
  );
}

const state: react.JobState<Words> = { token: null, status: null, progress: null, result: undefined, error: null };
const list: react.JobsState<Words> = { jobs: [], ready: false, more: false, error: null };

export function inVue() {
  const token = ref<string | null>(null);
  const job = vue.useJob<Words>(token, { grant: fresh });
  const jobs = vue.useJobs<Words>(() => "report", { limit: 3 });
  const { job: asked, submit } = vue.useSubmit<Words, Text>("count_words");
  // @ts-expect-error the text is missing
  void submit({ txt: "a" });
  // @ts-expect-error a shallow ref is not the component's to set
  job.value = state;
  // @ts-expect-error there is no such option
  vue.useJobs("report", { size: 3 });
  const first: vue.TaggedJob<Words> | undefined = jobs.value.jobs[0];
  const shown: vue.JobState<Words> = first ?? asked.value;
  const all: vue.JobsState<Words> = list;
  return [job.value.result?.words.toFixed(), shown.error?.code, all.ready, vue.createTidings({ url: "https://jobs.example.com" })];
}

export function inSvelte() {
  svelte.setTidings({ url: new URL("https://jobs.example.com") });
  const job = svelte.useJob<Words>(() => null, { grant: fresh });
  const jobs = svelte.useJobs<Words>("report");
  const words = svelte.useSubmit<Words, Text>("count_words");
  void words.submit({ text: "a" }).then((token) => token?.toUpperCase());
  // @ts-expect-error the state is not the component's to set
  job.status = "running";
  // @ts-expect-error a text is wanted
  void words.submit({ text: 1 });
  // @ts-expect-error a tag is a text
  svelte.useJobs(7);
  const first: svelte.TaggedJob<Words> | undefined = jobs.jobs[0];
  const shown: svelte.JobState<Words> = first ?? words;
  const all: svelte.JobsState<Words> = jobs;
  return [job.result?.words.toFixed(), shown.status, all.more];
}
