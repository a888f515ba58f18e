import { useChat } from "@ai-sdk/react";
import { lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { Tidings } from "tidings";
import { ChatTransport } from "tidings/ai";

const client = new Tidings(new URL("/tidings", location.href));
const transport = new ChatTransport({ client, kind: "answer", resume: "newest" });

function Part({ part, answer, busy }) {
  if (part.type === "text") return <span className="text">{part.text}</span>;
  if (part.type === "tool-find_train") {
    return <p className="tool" data-state={part.state}>The train to {part.input?.to} leaves at {part.output?.leaves ?? "…"}.</p>;
  }
  if (part.type !== "tool-look_up_weather") return null;
  return (
    <p className="tool" data-state={part.state}>
      May I look up the weather in {part.input?.place}?{" "}
      {part.state === "approval-requested" && (
        <>
          {/* An answer that comes while the message is still read, as after a reload, would be overwritten by that. */}
          <button disabled={busy} onClick={() => answer({ id: part.approval.id, approved: true })}>Yes</button>{" "}
          <button disabled={busy} onClick={() => answer({ id: part.approval.id, approved: false })}>No</button>
        </>
      )}
      {part.state === "output-available" && `The sky is ${part.output.sky}.`}
      {part.state === "output-denied" && "No."}
    </p>
  );
}

function Chat({ id, before }) {
  const [text, setText] = useState("");
  const { messages, sendMessage, addToolApprovalResponse, status, error, stop, resumeStream } = useChat({
    id, transport, messages: before, resume: true,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
    onFinish: ({ isDisconnect }) => { if (isDisconnect) void resumeStream(); }, // an earlier step was written again
  });
  const busy = status === "submitted" || status === "streaming";
  const send = (event) => {
    event.preventDefault();
    void sendMessage({ text });
    setText("");
  };
  const end = async () => {
    await transport.cancel(id);
    void stop();
  };
  return (
    <>
      {messages.map((message) => (
        <div key={message.id} className="message" data-role={message.role} data-id={message.id}>
          {message.parts.map((part, index) => <Part key={index} part={part} answer={addToolApprovalResponse} busy={busy} />)}
        </div>
      ))}
      <p><output data-status={status}>{error ? error.message : busy ? "…" : ""}</output></p>
      <form onSubmit={send}>
        <input aria-label="Say something" value={text} onChange={(event) => setText(event.target.value)} disabled={busy} />
        <button disabled={busy || !text}>Send</button>
        <button type="button" onClick={end} disabled={!busy}>Stop</button>
      </form>
    </>
  );
}

const id = location.hash.slice(1) || crypto.randomUUID();
history.replaceState(null, "", `#${id}`);
const before = await (await fetch(`/chats/${id}`)).json();
createRoot(document.querySelector("main")).render(<StrictMode><Chat id={id} before={before} /></StrictMode>);
