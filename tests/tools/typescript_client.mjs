// The official TypeScript client with the extension's own package: it sees a tool's progress, answers a job's questions,
// cancels a task, and takes one up that it did not begin. Prints what it has seen as JSON.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createTaskSessionFromClient, taskViewFromExecutionEvent } from "@modelcontextprotocol/ext-tasks/client";

const [url, other, folder] = process.argv.slice(2);
const protocolVersion = "2026-07-28";
const clientInfo = { name: "test", version: "1" };
const clientCapabilities = { elicitation: { form: {} } };

let numbers = 0;

/** Send a request as it is: the SDK's own types know no tasks. */
const dispatchTo = (server) => async (request, options) => {
  const name = request.params.taskId ?? request.params.name;
  const answer = await fetch(`${server}/mcp`, {
    method: "POST",
    signal: options?.signal,
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": protocolVersion,
      "mcp-method": request.method,
      ...(name === undefined ? {} : { "mcp-name": name }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: ++numbers, ...request }),
  });
  const text = await answer.text();
  const lines = text.split("\n").filter((line) => line.startsWith("data: {"));
  const { result, error } = JSON.parse(lines.length ? lines.at(-1).slice(6) : text);
  return error ? { kind: "error", error } : { kind: "result", result };
};

const asked = [];
const answers = [{ action: "accept", content: { address: "Köln" } }, { action: "accept", content: { value: true } }];

async function connect(server) {
  const client = new Client(clientInfo, { capabilities: clientCapabilities, versionNegotiation: { mode: "auto" } });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${server}/mcp`)));
  const session = createTaskSessionFromClient(client, {
    endpointId: "tests",
    rawDispatch: dispatchTo(server),
    v2RequestFraming: { protocolVersion, clientInfo, clientCapabilities },
    onInputRequest: async (request) => {
      asked.push(request.params.message);
      return answers[asked.length - 1];
    },
  });
  return { client, session };
}

/** Follow an execution to its end; call `seen` with each status message. */
async function follow(execution, seen) {
  const messages = [];
  const { outcome } = await execution.settle({
    onEvent: async (event) => {
      const message = taskViewFromExecutionEvent(event)?.statusMessage;
      if (message !== undefined && !messages.includes(message)) {
        messages.push(message);
        await seen?.(message, execution);
      }
    },
  });
  return { kind: execution.kind, status: outcome.status, content: outcome.result?.structuredContent ?? null, messages };
}

const { client, session } = await connect(url);
const there = await connect(other);
const tools = (await client.listTools()).tools.map((tool) => tool.name);

const sum = await follow(await session.callTool("add", { numbers: [1, 2] }));
const go = join(folder, "go");
const watched = await follow(await session.callTool("wait_for", { path: go }), (message) => {
  if (message.startsWith("waits for a file")) writeFileSync(go, "");
});
const ordered = await follow(await session.callTool("order", { item: "book" }));
const cancelled = await follow(await session.callTool("wait_for", { path: join(folder, "never") }), async (message, execution) => {
  if (message.startsWith("waits for a file")) await execution.cancel();
});
const later = join(folder, "later");
let reference;
await (await session.callTool("wait_for", { path: later })).handoff((found) => { reference = found; });
writeFileSync(later, "");
const resumed = await follow(await there.session.resumeTask(reference));

process.stdout.write(JSON.stringify({ tools, sum, watched, ordered, cancelled, resumed, asked }));
process.exit(0);
