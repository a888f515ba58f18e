// @ts-check
/** The page's chat, kept in this browser across reloads and tabs; where storage is refused, the page works and forgets. */

/** @import { UIMessage } from "./ui-message.js" */
import { newKey } from "../../../client/key.js";

/** @typedef {{id: string, messages: UIMessage[]}} Chat */

const KEY = "tidings.chat";
/** Messages that are kept, and sent with a question; the oldest are dropped first. */
const MOST = 50;

/** @returns {Chat} */
export function newChat() {
  return { id: newKey(), messages: [] };
}

/** @returns {Chat} */
export function keptChat() {
  try {
    const { id, messages } = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof id === "string" && Array.isArray(messages) ? { id, messages } : newChat();
  } catch {
    return newChat();
  }
}

/** @param {Chat} chat */
export function keepChat({ id, messages }) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ id, messages: messages.slice(-MOST) }));
  } catch {
    // Nothing is lost but the memory.
  }
}

/** @param {() => void} listener Called when another tab changed the chat. */
export function onChatElsewhere(listener) {
  window.addEventListener("storage", ({ key }) => { if (key === KEY || key === null) listener(); });
}
