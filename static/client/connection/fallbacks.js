// @ts-check
/** What there is below the socket, loaded only where it is needed. The best first. */

/** @import { Lesser } from "./connection.js" */

/** @type {Lesser} */
export const LESSER = [
  () => import("./stream.js").then(({ StreamTransport }) => StreamTransport),
  () => import("./poll.js").then(({ PollTransport }) => PollTransport),
];
