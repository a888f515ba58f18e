import assert from "node:assert/strict";
import { test } from "node:test";
import { socketAddress } from "../../../static/client/connection/address.js";
import { Tidings } from "../../../static/tidings.js";
import { FakeServer } from "../fake-server.js";

for (const [url, address] of [
  ["http://host:8700", "http://host:8700/v1/socket"],
  ["http://host:8700/", "http://host:8700/v1/socket"],
  ["https://host/v1/socket", "https://host/v1/socket"],
  ["https://host/v1/socket/", "https://host/v1/socket"],
  ["ws://host:8700", "ws://host:8700/v1/socket"],
  ["wss://host/v1/socket", "wss://host/v1/socket"],
  ["https://host/jobs", "https://host/jobs/v1/socket"],
  ["https://host/jobs/", "https://host/jobs/v1/socket"],
  ["https://host/jobs/v1/socket?ticket=x#top", "https://host/jobs/v1/socket?ticket=x"],
  ["https://host/v1/sockets", "https://host/v1/sockets/v1/socket"],
  ["http://[::1]:8700", "http://[::1]:8700/v1/socket"],
]) {
  test(`the socket of ${url} is ${address}`, () => {
    assert.equal(socketAddress(url).href, address);
    assert.equal(socketAddress(new URL(url)).href, address);
  });
}

for (const url of ["localhost:8700", "file:///tmp/x", "ftp://host", "javascript:alert(1)", "data:,x", "blob:https://host/x"]) {
  test(`${url} is refused, and says how an address begins`, () => {
    assert.throws(() => new Tidings(url), { name: "TypeError", message: /begins with http:\/\/, https:\/\/, ws:\/\/ or wss:/ });
  });
}

for (const url of ["", "host:port:x", "http://", "/v1/socket", "http://host:99999"]) {
  test(`${JSON.stringify(url)} is refused where there is no page`, () => {
    assert.throws(() => new Tidings(url), TypeError);
  });
}

test("a socket is opened at the address with ws, and requests go beside it", async () => {
  for (const [url, socket, kinds] of [
    ["http://host:8700", "ws://host:8700/v1/socket", "/v1/kinds"],
    ["wss://host/jobs", "wss://host/jobs/v1/socket", "/jobs/v1/kinds"],
  ]) {
    const server = new FakeServer();
    const asked = [];
    const fetch = (input) => { asked.push(new URL(input).pathname); return Promise.reject(new TypeError("away")); };
    const tidings = new Tidings(url, { WebSocket: server.WebSocket, fetch, events: null });
    assert.equal(server.socket.url, socket);
    server.drop();
    assert.deepEqual(asked, [kinds]);
    tidings.close();
  }
});
