// @ts-check
/** The message that the parts of a UI message stream make, as far as the demo's handler writes them. */

/**
 * @typedef {object} UIMessage A message of a chat, as the AI SDK has it.
 * @property {string} id
 * @property {"user" | "assistant"} role
 * @property {any[]} parts
 */

/** The state of a tool's part after each part that is about it. @type {Record<string, string>} */
const TOOL_STATE = {
  "tool-input-start": "input-streaming",
  "tool-input-available": "input-available",
  "tool-input-error": "output-error",
  "tool-approval-request": "approval-requested",
  "tool-output-available": "output-available",
  "tool-output-error": "output-error",
  "tool-output-denied": "output-denied",
};

/**
 * Adds a part of the stream to its message. Parts that the page does not show, of a handler that writes more, change nothing.
 *
 * @param {UIMessage} message
 * @param {any} part
 */
export function addPart(message, part) {
  const { parts } = message;
  switch (part.type) {
    case "start": message.id = part.messageId ?? message.id; break;
    case "start-step": parts.push({ type: "step-start" }); break;
    case "reset-step": parts.length = parts.findLastIndex(({ type }) => type === "step-start") + 1; break;
    case "text-start": parts.push({ type: "text", text: "" }); break;
    case "text-delta": parts.findLast(({ type }) => type === "text").text += part.delta; break;
    default: if (part.type in TOOL_STATE) addToTool(parts, part);
  }
}

/**
 * @param {any[]} parts
 * @param {any} part
 */
function addToTool(parts, { type, toolCallId, toolName, approvalId, ...rest }) {
  let tool = parts.findLast((one) => one.toolCallId === toolCallId);
  if (!tool) parts.push(tool = { type: `tool-${toolName}`, toolCallId });
  tool.state = TOOL_STATE[type];
  for (const name of ["input", "output", "errorText"]) if (name in rest) tool[name] = rest[name];
  if (approvalId !== undefined) tool.approval = { id: approvalId };
}

/**
 * Says whether an answer follows: to a question, or to a tool's call that the user has approved or refused.
 *
 * @param {UIMessage[]} messages
 */
export function awaitsAnswer(messages) {
  const last = messages.at(-1);
  return last !== undefined && (last.role === "user" || last.parts.some(({ state }) => state === "approval-responded"));
}
