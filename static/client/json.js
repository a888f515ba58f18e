// @ts-check
/** JSON that a server reads as what was meant. */

/**
 * Writes a value as JSON.
 *
 * @param {object} value
 * @returns {string}
 * @throws {TypeError} Something in it has no form in JSON: JSON.stringify would write `null` for it, leave it out, or write
 *   what no parser takes. Its `code` is `invalid_frame`, as the server would say.
 */
export function toJson(value) {
  return JSON.stringify(value, (key, one) => {
    const type = typeof one;
    if (HALF.test(key) || (type === "string" && HALF.test(one))) fail(key, "half of a surrogate pair");
    if (type === "number" ? !Number.isFinite(one) : type === "function" || type === "symbol") fail(key, String(one));
    return one;
  });
}

/** @type {(key: string, what: string) => never} */
const fail = (key, what) => {
  throw Object.assign(new TypeError(`${key}: ${what.slice(0, 40)} has no form in JSON`), { code: "invalid_frame" });
};

const HALF = /\p{Cs}/u;
