/** A client wired to a fake server and fake time. */

import { Tidings } from "../../static/tidings.js";
import { FakeServer, FakeTime } from "./fake-server.js";

/** Returns a client that has not been greeted yet. `random` is 0.5: a delay is half its ceiling. */
export function connect(options = {}) {
  const server = new FakeServer();
  const time = new FakeTime();
  const events = new EventTarget();
  const tidings = new Tidings("https://example.test/v1/socket", {
    WebSocket: server.WebSocket, now: time.now, timers: time.timers, random: () => 0.5, events, ...options,
  });
  const states = [tidings.state];
  tidings.on("state", ({ state }) => states.push(state));
  return { server, time, events, tidings, states };
}

/** Returns a client that has been greeted. */
export function connected(options = {}, limits = {}) {
  const all = connect(options);
  all.server.greet(limits);
  return all;
}

/** Returns a connected client with one accepted job, `q.1`, whose newest number is 1. */
export function running(options = {}) {
  const all = connected(options);
  const job = all.tidings.submit("count", { to: 3 });
  all.server.ack(all.server.sent[0].ref, "q.1");
  const seen = [];
  job.on("event", (event) => seen.push(event));
  return { ...all, job, seen };
}

/** Breaks the socket, and opens and greets the next. */
export function reconnect({ server, events }) {
  server.drop();
  events.dispatchEvent(new Event("online")); // ends the back-off
  server.greet();
}
