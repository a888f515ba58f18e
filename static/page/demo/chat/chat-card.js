// @ts-check
/** A chat: the card that asks, shows the answer as it is written, and picks it up after a reload and in other tabs. */

/** @import { Tidings } from "../../../tidings.js" */
/** @import { UIMessage } from "./ui-message.js" */
import { ChatTransport } from "../../../ai.js";
import { newKey } from "../../../client/key.js";
import { fill, part, stamp } from "../../template.js";
import { keepChat, keptChat, newChat, onChatElsewhere } from "./kept-chat.js";
import { addPart, awaitsAnswer } from "./ui-message.js";

/** Within so many pixels of the bottom, a reader counts as being there. */
const NEAR = 24;

export class ChatCard {
  #chat = keptChat();
  #transport;
  #root;
  #list;
  #form;
  /** Ends the reading of the answer, and never the job; null: none is read. @type {AbortController | null} */
  #reading = null;
  /** @type {Map<string, HTMLElement>} The elements of messages, by their ids. */
  #elements = new Map();
  /** @type {UIMessage | null} The message to draw with the next picture. */
  #changed = null;

  /**
   * @param {HTMLElement} root
   * @param {Tidings} client
   */
  constructor(root, client) {
    this.#root = root;
    this.#transport = new ChatTransport({ client, kind: root.dataset.kind ?? "", resume: "newest" });
    this.#list = part(root, "messages", HTMLElement);
    this.#form = part(root, "form", HTMLFormElement);
    this.#form.addEventListener("submit", (event) => this.#ask(event));
    this.#list.addEventListener("click", ({ target }) => this.#answer(target));
    this.#button("stop").addEventListener("click", () => this.#stop());
    this.#button("new-chat").addEventListener("click", () => {
      keepChat(newChat());
      this.#show();
    });
    onChatElsewhere(() => this.#show());
  }

  /** @param {boolean} served Whether a worker answers; without one the page has no chat. */
  serve(served) {
    const isNew = served && this.#root.hidden;
    this.#root.hidden = !served;
    if (isNew) this.#show();
  }

  /** Shows the chat as it is kept, and goes on with the answer that is being written. */
  #show() {
    this.#reading?.abort();
    this.#reading = this.#changed = null;
    this.#chat = keptChat();
    this.#elements.clear();
    this.#list.replaceChildren();
    for (const message of this.#chat.messages) this.#draw(message);
    this.#tell("");
    if (awaitsAnswer(this.#chat.messages)) void this.#resume();
  }

  /** @param {Event} event */
  #ask(event) {
    event.preventDefault();
    const field = part(this.#form, "text", HTMLInputElement);
    const text = field.value.trim();
    if (!text || this.#reading) return;
    field.value = "";
    void this.#send({ id: newKey(), role: "user", parts: [{ type: "text", text }] });
  }

  /** Sends the user's answer to the question whose button was pressed. @param {EventTarget | null} target */
  #answer(target) {
    const button = target instanceof Element ? target.closest("button") : null;
    const last = this.#chat.messages.at(-1);
    if (!button || !last || this.#reading) return;
    const message = structuredClone(last);
    const tool = message.parts.find(({ toolCallId }) => toolCallId === button.dataset.call);
    tool.state = "approval-responded";
    tool.approval.approved = button.value === "yes";
    void this.#send(message);
  }

  /** @param {UIMessage} message A new one, or the last one with the user's answer. */
  #send(message) {
    const chat = this.#chat;
    const messages = [...chat.messages.filter(({ id }) => id !== message.id), message];
    this.#draw(message);
    return this.#read(async (abortSignal) => {
      const asked = { trigger: /** @type {const} */ ("submit-message"), chatId: chat.id, messages, abortSignal };
      const stream = await this.#transport.sendMessages(asked).catch((error) => {
        this.#takeBack(message);
        throw error;
      });
      chat.messages = messages; // the server has it: a reload may go on from here
      if (this.#chat === chat) keepChat(chat);
      return stream;
    }, message.role === "assistant" ? message : undefined);
  }

  /** Shows the chat without what the server has refused, which the user may send again. @param {UIMessage} message */
  #takeBack({ id, parts }) {
    const before = this.#chat.messages.find((one) => one.id === id);
    if (before) return this.#draw(before);
    this.#elements.get(id)?.remove();
    this.#elements.delete(id);
    part(this.#form, "text", HTMLInputElement).value ||= parts[0].text;
  }

  /** @returns {Promise<void>} */
  #resume() {
    return this.#read((abortSignal) => this.#transport.reconnectToStream({ chatId: this.#chat.id, abortSignal }));
  }

  /**
   * Shows an answer as it comes, and keeps it.
   *
   * @param {(signal: AbortSignal) => Promise<ReadableStream<any> | null>} open
   * @param {UIMessage} [continued] The message that the answer goes on with.
   * @returns {Promise<void>}
   */
  async #read(open, continued) {
    const reading = this.#reading = new AbortController();
    this.#tell("Writing…");
    let said = "";
    try {
      const parts = (await open(reading.signal))?.getReader();
      /** @type {UIMessage} */
      const message = continued ? structuredClone(continued) : { id: newKey(), role: "assistant", parts: [] };
      for (let next = await parts?.read(); next && !next.done; next = await parts?.read()) {
        if (this.#reading !== reading) return;
        if (next.value.type === "error") said = next.value.errorText;
        if (next.value.type === "abort") said = "Stopped.";
        addPart(message, next.value);
        this.#drawSoon(message);
      }
      if (parts && this.#reading === reading) this.#keep(message);
    } catch (error) {
      said = error instanceof Error ? error.message : String(error);
      // A step that the card shows was written again: the answer is read from its beginning.
      if (said.startsWith("network:") && this.#reading === reading) return void this.#resume();
    }
    if (this.#reading !== reading) return; // another reading is on
    this.#reading = null;
    this.#tell(said);
  }

  /** @param {UIMessage} message */
  #keep(message) {
    const { messages } = this.#chat;
    const known = messages.findIndex(({ id }) => id === message.id);
    messages.splice(known < 0 ? messages.length : known, 1, message);
    keepChat(this.#chat);
  }

  async #stop() {
    this.#button("stop").disabled = true;
    await this.#transport.cancel(this.#chat.id).catch((error) => this.#tell(`Not stopped: ${error.message}`));
  }

  /** @param {UIMessage} message */
  #drawSoon(message) {
    if (!this.#changed) requestAnimationFrame(() => {
      if (this.#changed) this.#draw(this.#changed);
      this.#changed = null;
    });
    this.#changed = message;
  }

  /** @param {UIMessage} message */
  #draw(message) {
    const atBottom = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < NEAR;
    const element = stamp("chat-message");
    element.dataset.role = message.role;
    element.append(...message.parts.flatMap(elementOf));
    const known = this.#elements.get(message.id);
    this.#elements.set(message.id, element);
    if (known) known.replaceWith(element);
    else this.#list.append(element);
    this.#list.hidden = false;
    if (atBottom) this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** @param {string} text */
  #tell(text) {
    const busy = this.#reading !== null;
    part(this.#root, "note", HTMLElement).textContent = text;
    this.#list.hidden = this.#elements.size === 0;
    this.#button("send").disabled = busy;
    this.#button("stop").disabled = !busy;
    this.#button("new-chat").disabled = busy || this.#elements.size === 0;
  }

  /** @param {string} name */
  #button(name) {
    return part(this.#root, name, HTMLButtonElement);
  }
}

/** @param {any} shown A part of a message. @returns {HTMLElement[]} */
function elementOf(shown) {
  if (shown.type === "text") return [fill("chat-text", { text: shown.text })];
  if (!shown.toolCallId) return [];
  const tool = fill("chat-tool", { question: `May I look up the weather in ${shown.input?.place ?? "…"}?` });
  tool.dataset.state = shown.state;
  part(tool, "choice", HTMLElement).hidden = shown.state !== "approval-requested";
  for (const button of tool.querySelectorAll("button")) button.dataset.call = shown.toolCallId;
  /** @type {Record<string, string>} */
  const outcome = { "output-available": `The sky is ${shown.output?.sky}.`, "output-denied": "No.", "output-error": shown.errorText };
  part(tool, "outcome", HTMLElement).textContent = outcome[shown.state] ?? "";
  return [tool];
}
