// @ts-check
/** Texts as segments of a URL's path. Source: https://url.spec.whatwg.org/#single-dot-path-segment */
import { TidingsError, localProblem } from "./error.js";

/** A URL without its dots is another, however they are encoded; half of a pair has no encoding. */
const NO_SEGMENT = /^\.{0,2}$|\p{Surrogate}/u;
/** RFC 3986, section 2.3: a token consists of these. */
const TOKEN = /^[A-Za-z0-9._~-]+$/;

/**
 * Returns a token as a segment.
 *
 * @param {string} token
 * @throws {TidingsError} It is none: the same that a server would say over a socket.
 */
export function tokenSegment(token) {
  if (TOKEN.test(token) && !NO_SEGMENT.test(token)) return token;
  throw new TidingsError(localProblem("unknown_token", `there is no job ${JSON.stringify(String(token).slice(0, 100))}: this is not a token`));
}

/**
 * Returns a name as a segment.
 *
 * @param {string} name
 * @throws {TidingsError} It can be none.
 */
export function nameSegment(name) {
  if (!NO_SEGMENT.test(name)) return encodeURIComponent(name);
  throw new TidingsError(localProblem("invalid_frame", `${JSON.stringify(name)} can't stand in a URL: take another name`));
}
