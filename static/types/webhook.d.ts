/**
 * Checks that a delivery was signed with a secret, not long ago, and returns its body, decoded.
 *
 * @param {Headers | Record<string, string | string[] | undefined>} headers Of the request; case does not matter.
 * @param {string | Uint8Array} body The body, byte for byte as it came: not parsed and written again.
 * @param {string | string[]} secret One secret; or several, each of which is accepted.
 * @param {{ toleranceS?: number, now?: number }} [options] `toleranceS`: how far, in seconds, the delivery's time may lie
 *   from now, by default 300, or what the variable `TIDINGS_WEBHOOK_TOLERANCE_S` says; `now`: seconds since 1970.
 * @returns {Promise<any>} The body's JSON value.
 * @throws {WebhookVerificationError} A header is missing, the time is too far away, or no signature fits.
 * @throws {SecretError} A secret has another form.
 */
export function verify(headers: Headers | Record<string, string | string[] | undefined>, body: string | Uint8Array, secret: string | string[], options?: {
    toleranceS?: number;
    now?: number;
}): Promise<any>;
/**
 * Returns the value of `webhook-signature` for one delivery.
 *
 * @param {string} id The value of `webhook-id`; no full stop may be in it.
 * @param {number} timestamp The value of `webhook-timestamp`, whole seconds since 1970.
 * @param {string | Uint8Array} body
 * @param {string | string[]} secret One signature is made with each.
 * @returns {Promise<string>}
 */
export function sign(id: string, timestamp: number, body: string | Uint8Array, secret: string | string[]): Promise<string>;
/** How far, in seconds, the time of a delivery may lie from the receiver's clock. */
export const DEFAULT_TOLERANCE_S: 300;
/** A delivery does not come from a holder of the secret, or not now: do not act on it, and answer 400 or 401. */
export class WebhookVerificationError extends Error {
}
/** A text is no secret of a webhook: those are `whsec_` and the base64 of 24 to 64 bytes. The text is not shown. */
export class SecretError extends Error {
}
