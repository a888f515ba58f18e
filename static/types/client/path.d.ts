/**
 * Returns a token as a segment.
 *
 * @param {string} token
 * @throws {TidingsError} It is none: the same that a server would say over a socket.
 */
export function tokenSegment(token: string): string;
/**
 * Returns a name as a segment.
 *
 * @param {string} name
 * @throws {TidingsError} It can be none.
 */
export function nameSegment(name: string): string;
