// A page with the real `useChat`: `?chat=ID&transport=tidings|default&kind=KIND`, for tests.
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { Tidings } from "tidings";
import { ChatTransport } from "tidings/ai";

const query = new URLSearchParams(location.search);
const id = query.get("chat");
const kind = query.get("kind");
const api = `${location.origin}/v1/chat/${kind}`;
const ours = query.get("transport") === "tidings";
const transport = ours
  ? new ChatTransport({ client: new Tidings(location.origin), kind, resume: "newest" })
  : new DefaultChatTransport({
      api,
      prepareReconnectToStreamRequest: ({ api, id }) => ({ api: `${api}/${encodeURIComponent(id)}/stream?ended=true` }),
    });

async function cancel() {
  if (ours) await transport.cancel(id);
  else await fetch(`${api}/${id}/stop`, { method: "POST" });
}

function Chat() {
  const { messages, sendMessage, status, error, stop, resumeStream } = useChat({
    id, transport, resume: true,
    // The server may not be back at once.
    onFinish: ({ isDisconnect }) => { if (isDisconnect) setTimeout(resumeStream, 200); },
  });
  const parts = messages.at(-1)?.role === "assistant" ? messages.at(-1).parts : [];
  const ask = () => sendMessage({ text: "Well?" }, { body: JSON.parse(query.get("body") ?? "{}") });
  return (
    <>
      <button onClick={ask}>Ask</button>
      <button onClick={async () => { await cancel(); stop(); }}>Stop</button>
      <output id="status">{status}</output>
      <output id="error">{error?.message ?? ""}</output>
      <output id="message">{messages.at(-1)?.id ?? ""}</output>
      <output id="types">{parts.map(({ type }) => type).join(" ")}</output>
      <section id="text">{parts.filter(({ type }) => type === "text").map(({ text }) => text).join("")}</section>
    </>
  );
}

function Page() {
  const [shown, show] = useState(true);
  return (
    <>
      <button onClick={() => show(!shown)}>Toggle</button>
      {shown && <Chat />}
    </>
  );
}

createRoot(document.body.appendChild(document.createElement("main"))).render(<StrictMode><Page /></StrictMode>);
