/** JSON that a server reads as what was meant. */
/**
 * Writes a value as JSON.
 *
 * @param {object} value
 * @returns {string}
 * @throws {TypeError} Something in it has no form in JSON: JSON.stringify would write `null` for it, leave it out, or write
 *   what no parser takes. Its `code` is `invalid_frame`, as the server would say.
 */
export function toJson(value: object): string;
