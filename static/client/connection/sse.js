// @ts-check
/**
 * Server-sent events, out of text that comes in pieces of any size.
 *
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */

/** @typedef {{event: string, data: string}} StreamEvent */

export class EventParser {
  #rest = "";
  #began = false;
  /** The last piece ended in a carriage return: a line feed that follows is the same end of a line. */
  #returned = false;
  #event = "";
  /** @type {string[]} */
  #data = [];

  /**
   * @param {string} text The next piece; a byte order mark at the very beginning is no part of it.
   * @returns {StreamEvent[]} What it completes.
   */
  push(text) {
    if (!text) return [];
    if (!this.#began && text.startsWith("\uFEFF")) text = text.slice(1);
    this.#began = true;
    // Lines end with CR, LF or both, and with nothing else that Unicode knows.
    const lines = (this.#returned && text.startsWith("\n") ? text.slice(1) : text).split(/\r\n?|\n/);
    this.#returned = text.endsWith("\r");
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#take(line));
  }

  /**
   * @param {string} line
   * @returns {StreamEvent[]}
   */
  #take(line) {
    if (!line) return this.#dispatch();
    const colon = line.indexOf(":");
    const [field, value] = colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    return []; // comments, and fields that are not needed here: a token and a number stand in each event
  }

  /** @returns {StreamEvent[]} */
  #dispatch() {
    const found = this.#data.length ? [{ event: this.#event || "message", data: this.#data.join("\n") }] : [];
    this.#event = "";
    this.#data = [];
    return found;
  }
}
