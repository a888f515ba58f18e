/** What a page gets of a stream with the JavaScript client of the package in a folder; prints it as JSON. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, url, text] = process.argv.slice(2);
const { Tidings } = await import(pathToFileURL(join(folder, "static/tidings.js")).href);
const tidings = new Tidings(url);
const job = tidings.submit("spell", { text });
const result = await job.result;
let read = null; // the client knows no streams
if (typeof job.stream === "function") {
  read = [];
  try {
    for await (const chunk of job.stream()) read.push(chunk);
  } catch (error) {
    if (error.code !== "stream_in_doubt") throw error;
  }
}
process.stdout.write(JSON.stringify({ result, read }));
process.exit(0);
