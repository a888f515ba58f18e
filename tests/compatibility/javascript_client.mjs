/** What a page does with the JavaScript client, of the package in a folder; prints what it got as JSON. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, url] = process.argv.slice(2);
const { Tidings } = await import(pathToFileURL(join(folder, "static/tidings.js")).href);
const blocked = class { constructor() { throw new Error("blocked"); } };

async function use(options) {
  const tidings = new Tidings(url, { backoff: { baseMs: 10, capMs: 20 }, upgradeMs: 1e9, ...options });
  const found = { events: [] };
  const job = tidings.submit("tell", { text: "one" });
  for (const name of ["log", "succeeded"]) job.on(name, () => found.events.push(name));
  found.result = (await job.result).text;
  found.watched = (await tidings.watch((await job.accepted).token ?? job.token).result).text;
  found.failed = await tidings.submit("refuse", {}).result.catch(({ code }) => code);
  found.refused = await tidings.submit("tell", { text: 1 }).result.catch(({ code, problem }) => [code, problem.field]);
  const long = tidings.submit("wait_long", {});
  long.on("progress", () => void long.cancel());
  found.cancelled = await long.result.catch(({ code }) => code);
  const saga = tidings.submit("approve", {});
  await saga.accepted;
  await saga.signal("go", "yes");
  found.saga = (await saga.result).slice(0, 3).map((part) => (Array.isArray(part) ? part[1] : part));
  tidings.close();
  return found;
}

process.stdout.write(JSON.stringify({ websocket: await use({}), sse: await use({ WebSocket: blocked }) }));
process.exit(0);
