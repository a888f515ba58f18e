/**
 * A server in this process, for testing the client without a network.
 *
 * `server.WebSocket` is handed to the client. A test speaks for the server: it greets, pushes
 * frames and drops sockets when it likes, and sees what the client sent. Unlike a real one it
 * delivers at once, in order, and never splits the time between `send` and arrival.
 */

export const LIMITS = { max_frame_bytes: 65_536, max_in_flight: 16, max_watches: 100 };

export class FakeServer {
  /** Every socket ever opened, oldest first. */
  sockets = [];

  constructor() {
    this.fetch = (url, init = {}) => this.#request(new URL(url), init);
    const server = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url, protocol) {
        super(url, protocol);
        server.sockets.push(this);
      }
    };
  }

  /** Every request over HTTP that is not answered yet, oldest first. */
  requests = [];
  /** Whether HTTP is served: answers to what tests do not care for are given at once. */
  reachable = false;

  /** Returns the oldest unanswered request whose method and path (with its query) match; it waits until there is one. */
  async request(method, path) {
    for (let turn = 0; turn < 200; turn += 1) {
      const at = this.requests.findIndex((one) => one.method === method && path.test(one.path));
      if (at >= 0) return this.requests.splice(at, 1)[0];
      await settle();
    }
    throw new Error(`no ${method} ${path}; there are ${this.requests.map((one) => `${one.method} ${one.path}`)}`);
  }

  #request({ pathname, search }, { method = "GET", headers, body, signal }) {
    if (!this.reachable) return Promise.reject(new TypeError("no network"));
    const request = new FakeRequest(method, pathname + search, new Headers(headers), body, signal);
    if (pathname.endsWith("/kinds") && !this.guarded) request.json({ kinds: [] });
    else this.requests.push(request);
    return request.response;
  }

  /** Whether the tests answer `GET /v1/kinds` themselves. */
  guarded = false;

  /** The newest socket. */
  get socket() {
    return this.sockets.at(-1);
  }

  /** What the client sent on the newest socket. */
  get sent() {
    return this.socket.sent;
  }

  /** Says hello, as a server does first. */
  greet(limits = {}) {
    this.push({ type: "hello", version: 1, connection: `c${this.sockets.length}`, limits: { ...LIMITS, ...limits } });
  }

  /** Sends a frame to the client. */
  push(frame) {
    this.socket.onmessage({ data: JSON.stringify(frame) });
  }

  ack(ref, token, { seq = 1, status = "queued", duplicate = false } = {}) {
    this.push({ type: "ack", ref, token, status, seq, duplicate, position: 0, eta: null });
  }

  event(token, seq, event, data = {}, status = STATUS[event] ?? "running") {
    this.push({ type: "event", token, seq, event, status, at: AT, data });
  }

  snapshot(ref, token, fields = {}) {
    this.push({ type: "snapshot", ref, token, seq: 1, status: "running", attempt: 1, milestones: {}, ...fields });
  }

  refuse(ref, code, extra = {}) {
    const problem = { type: `urn:tidings:problem:${code}`, title: code, status: 400, detail: code, code, ...extra };
    this.push({ type: "error", ref, problem });
  }

  /** Ends the newest socket, with a close code; 1006: it broke. */
  drop(code = 1006, reason = "") {
    this.socket.onclose({ code, reason });
  }

  /** The frames of one type that the client sent on the newest socket. */
  sentOf(type) {
    return this.sent.filter((frame) => frame.type === type);
  }
}

export const AT = "2026-01-01T00:00:00Z";
const STATUS = {
  queued: "queued", waiting: "waiting", retrying: "scheduled",
  succeeded: "succeeded", failed: "failed", cancelled: "cancelled", expired: "expired",
};

class FakeSocket {
  sent = [];
  closedWith = null;
  onmessage = () => {};
  onclose = () => {};

  constructor(url, protocol) {
    this.url = url;
    this.protocol = protocol;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closedWith = code;
  }
}

/** A request a test answers when it likes; as with a real one, an abort ends it for the client. */
class FakeRequest {
  #resolve;
  #reject;
  #stream = null;

  constructor(method, path, headers, body, signal) {
    Object.assign(this, { method, path, headers, body, aborted: false });
    this.response = new Promise((resolve, reject) => { this.#resolve = resolve; this.#reject = reject; });
    signal?.addEventListener("abort", () => {
      this.aborted = true;
      this.fail(signal.reason);
    });
  }

  json(value, status = 200, headers = {}) {
    this.#resolve(new Response(value === null ? null : JSON.stringify(value), { status, headers }));
  }

  refuse(status, code, extra = {}) {
    this.json({ type: `urn:tidings:problem:${code}`, title: code, status, detail: code, code, ...extra }, status);
  }

  /** Begins a stream; its first bytes come with the heading, as from the real server. */
  stream() {
    const body = new ReadableStream({ start: (controller) => { this.#stream = controller; } });
    this.#resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
    this.write("retry: 2000\n");
  }

  write(text) {
    this.#stream.enqueue(new TextEncoder().encode(text));
  }

  event(token, seq, event, data = {}, status = STATUS[event] ?? "running") {
    const frame = { type: "event", token, seq, event, status, at: AT, data };
    this.write(`id: ${seq}\nevent: ${event}\ndata: ${JSON.stringify(frame)}\n\n`);
  }

  snapshot(token, fields = {}) {
    const frame = { token, seq: 1, status: "running", attempt: 1, milestones: {}, log: [], ...fields };
    this.write(`event: snapshot\ndata: ${JSON.stringify(frame)}\n\n`);
  }

  end() {
    this.#stream.close();
  }

  fail(reason = new TypeError("network error")) {
    this.#reject(reason);
    if (!this.#stream) return;
    try { this.#stream.error(reason); } catch { /* it has ended */ }
  }
}

/** Lets everything happen that only waits for promises. */
export const settle = () => new Promise(setImmediate);

/** Time that passes when the test says so. */
export class FakeTime {
  #now = 1_000_000;
  #timers = new Map();
  #id = 0;
  timers = {
    set: (callback, ms) => {
      this.#timers.set(++this.#id, { at: this.#now + ms, callback });
      return this.#id;
    },
    clear: (id) => this.#timers.delete(id),
  };
  now = () => this.#now;

  /** How many timers are running. */
  get running() {
    return this.#timers.size;
  }

  /** Lets `ms` milliseconds pass, firing what falls due, in order. */
  pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [id, { at, callback }] = due;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      callback();
    }
    this.#now = end;
  }
}
