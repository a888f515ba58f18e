// @ts-check
/**
 * The browser's client of Tidings: submit work, get a token at once, have the tidings pushed to you.
 *
 *     import { Tidings } from "/static/tidings.js";
 *
 *     const tidings = new Tidings();
 *     const job = tidings.submit("count_delays", { carrier: "UA" });
 *     job.on("progress", ({ data }) => console.log(data.fraction, data.message));
 *     console.log(await job.accepted, await job.result);
 *
 * It keeps one connection, by socket where that works and by event stream or polls where it does
 * not, and comes back after a break where it left off. No dependencies, no build step.
 */

import { CLOSE_CODES } from "./client/codes.js";
import { TidingsError } from "./client/error.js";
import { LESSER } from "./client/connection/fallbacks.js";
import { Follow } from "./client/jobs/follow.js";
import { Job } from "./client/jobs/job.js";
import { JobPages } from "./client/jobs/listing.js";
import { ChunkStream } from "./client/jobs/reading.js";
import { Tidings as Client } from "./client/tidings.js";

export { CLOSE_CODES, ChunkStream, Follow, Job, JobPages, TidingsError };

/**
 * @typedef {import("./client/frame.js").JobEvent} JobEvent
 * @typedef {import("./client/frame.js").JobPage} JobPage
 * @typedef {import("./client/frame.js").ListedJob} ListedJob
 * @typedef {import("./client/frame.js").Problem} Problem
 * @typedef {import("./client/frame.js").Progress} Progress
 * @typedef {import("./client/frame.js").Snapshot} Snapshot
 * @typedef {import("./client/frame.js").Step} Step
 * @typedef {import("./client/frame.js").Webhook} Webhook
 * @typedef {import("./client/options.js").FollowOptions} FollowOptions
 * @typedef {import("./client/options.js").ListOptions} ListOptions
 * @typedef {import("./client/options.js").Options} Options
 * @typedef {import("./client/options.js").SubmitOptions} SubmitOptions
 * @typedef {import("./client/options.js").TidingsEvents} TidingsEvents
 * @typedef {import("./client/options.js").WatchOptions} WatchOptions
 */

/** Not a part of the URL's making: bundlers would look for a file there. */
const BESIDE = "../v1/socket";

/** A client of one server: it keeps one connection, and comes back after a break where it left off. */
export class Tidings extends Client {
  /**
   * Connects at once, and keeps connected until `close()`.
   *
   * @param {string | URL} [url] `http(s)://` or `ws(s)://`, of the server or of its socket. Default: the server that
   *   this module was loaded from, `/v1/socket` beside its folder.
   * @param {Options} [options]
   * @throws {TypeError} `url` is no such address.
   */
  constructor(url = new URL(BESIDE, import.meta.url), options = {}) {
    super(url, options, LESSER);
  }
}
