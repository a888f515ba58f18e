/** What a user in TypeScript may write; compiled, never run. */
import { CLOSE_CODES, Job, Tidings, TidingsError } from "tidings";
import type { JobEvent, Problem, Progress, Snapshot, Step, Webhook } from "tidings";
import { sharedSocket } from "tidings/shared";

const abort = new AbortController();
const tidings: Tidings = new Tidings("https://example.test/v1/socket", {
  credential: async () => "a token",
  backoff: { capMs: 10_000 },
});
const off: () => void = tidings.on("state", ({ state, transport, delayMs }) => {
  const words: [string, "websocket" | "sse" | "long-poll", number | undefined] = [state, transport, delayMs];
  // @ts-expect-error there is no such state
  if (state === "asleep") off();
  return words;
});
const job: Job = tidings.submit("count", { to: 3 }, { key: "k-1", delay: 2, signal: abort.signal });
job.on("progress", ({ data, seq }) => [data.fraction, seq.toFixed()]);
for await (const { event, at } of tidings.watch("q.1", { after: 2, signal: abort.signal })) console.log(event, at?.length);
try {
  const token: string = await job.accepted;
  await job.cancel({ signal: abort.signal });
  console.log(token, await job.result);
} catch (error) {
  if (error instanceof TidingsError) console.log(error.code, error.problem.field, CLOSE_CODES.get(4401)?.reconnect);
}
const quiet: Job = tidings.submit("count", {}, { watch: false });
quiet.close();
const webhook: Webhook = { url: "https://hooks.example.com/in", events: ["failed"], id: "order-7", format: "cloudevents" };
tidings.submit("count", {}, { webhook }).close();
tidings.submit("count", {}, { webhook: webhook.url }).close();
// @ts-expect-error no webhook is sent such an event
tidings.submit("count", {}, { webhook: { url: webhook.url, events: ["finished"] } });
const features: readonly string[] = new Tidings("http://host:8700").features;
const known: Progress | null = job.progress;
const step = (told: Step, problem: Problem, event: JobEvent, snapshot: Snapshot) => [told.path, problem.code, event.seq, snapshot.token];
console.log(features.length, known?.fraction, step);
// @ts-expect-error an option nobody knows
tidings.submit("count", {}, { signals: abort.signal });
new Tidings("https://example.test/v1/socket", { WebSocket: sharedSocket({ credential: () => null }) }).close();
tidings.close();
