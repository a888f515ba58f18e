/** A client wired to a fake server and fake time. */

import { Tidings } from "../../static/tidings.js";
import "../../static/client/connection/poll.js"; // loaded only when needed; here at once, so that no test waits for the disk
import "../../static/client/connection/stream.js";
import { FakeServer, FakeTime, settle } from "./fake-server.js";

/** Returns a client that has not been greeted yet. `random` is 0.5: a delay is half its ceiling. */
export function connect(options = {}) {
  const server = new FakeServer();
  const time = new FakeTime();
  const events = new EventTarget();
  const tidings = new Tidings("https://example.test/v1/socket", {
    WebSocket: server.WebSocket, fetch: server.fetch, now: time.now, timers: time.timers, random: () => 0.5, events,
    ...options,
  });
  const states = [tidings.state];
  const transports = [];
  let delay = 0;
  /** Lets the back-off pass, and no more. */
  const backOff = async () => {
    await settle();
    await settle(); // the look whether the server answers at all
    if (tidings.state !== "backing-off") throw new Error(`it did not fail: ${tidings.state}`);
    time.pass(delay);
    await settle();
  };
  tidings.on("state", ({ state, transport, delayMs }) => {
    states.push(state);
    if (state === "backing-off") delay = delayMs;
    if (state === "open") transports.push(transport);
  });
  return { server, time, events, tidings, states, transports, backOff };
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

/** Has the transport fail, before it carried anything if it is new, and the back-off pass. */
export async function miss({ server, backOff }, fail = () => server.drop()) {
  await fail();
  await backOff();
}

/** Returns a client for which sockets do not work: it is connected by event stream. */
export async function streaming(options = {}) {
  const all = connect({ upgradeMs: 1e9, ...options });
  all.server.reachable = true;
  await miss(all);
  await miss(all);
  return all;
}

/** Returns a client for which neither sockets nor streams work: it polls. Its job `q.1` stands at number 1. */
export async function polling(options = {}) {
  const all = await streaming(options);
  const { server, tidings } = all;
  const job = tidings.submit("count", { to: 3 });
  const seen = [];
  job.on("event", (event) => seen.push(event));
  (await server.request("POST", /jobs$/)).json(ack("q.1"), 202);
  const blocked = async () => (await server.request("GET", /events/)).fail();
  await miss(all, blocked);
  (await server.request("GET", /q.1/)).json(snapshot("q.1"));
  await miss(all, blocked);
  (await server.request("GET", /q.1/)).json(snapshot("q.1"));
  await settle();
  return { ...all, job, seen };
}

/** What `POST /v1/jobs` answers. */
export const ack = (token, fields = {}) => ({ token, status: "queued", seq: 1, duplicate: false, position: 0, ...fields });

/** What `GET /v1/jobs/{token}` answers. */
export const snapshot = (token, fields = {}) => (
  { token, seq: 1, status: "queued", attempt: 1, milestones: {}, log: [], progress: null, ...fields }
);
