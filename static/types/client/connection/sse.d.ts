/**
 * Server-sent events, out of text that comes in pieces of any size.
 *
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
/** @typedef {{event: string, data: string}} StreamEvent */
export class EventParser {
    /**
     * @param {string} text The next piece; a byte order mark at the very beginning is no part of it.
     * @returns {StreamEvent[]} What it completes.
     */
    push(text: string): StreamEvent[];
    #private;
}
export type StreamEvent = {
    event: string;
    data: string;
};
