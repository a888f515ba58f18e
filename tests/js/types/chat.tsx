/** The transport for chats fits the types of the AI SDK; compiled, never run. */
import { useChat } from "@ai-sdk/react";
import type { ChatTransport as SdkTransport, UIMessage } from "ai";
import { Tidings, type Job } from "tidings";
import { ChatTransport } from "tidings/ai";

const transport = new ChatTransport({
  client: new Tidings("https://example.test"), kind: "answer", resume: "newest", tags: ["web"], grant: () => async () => "tdg_1",
});
const fits: SdkTransport<UIMessage> = transport;

export function Chat({ id }: { id: string }) {
  const { messages, stop } = useChat({ id, transport: fits, resume: true });
  const end = async (): Promise<boolean> => {
    const job: Job | null = await transport.job(id);
    await job?.signal("approve", true);
    stop();
    return await transport.cancel(id);
  };
  return <button onClick={end}>{messages.length}</button>;
}

// @ts-expect-error a transport needs the kind that answers
new ChatTransport({ client: new Tidings() });
