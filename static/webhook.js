// @ts-check
/**
 * Webhooks: check the signature of a delivery, and sign one, by Standard Webhooks.
 *
 *     import { verify } from "tidings/webhook";
 *
 *     const message = await verify(request.headers, body, process.env.WEBHOOK_SECRET);
 *
 * It needs nothing but Web Crypto: Node 20, Deno, Bun, workers at the edge. A secret does not belong into a page.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

const PREFIX = "whsec_";
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
const MAX_SIGNATURES = 32;

/** How far, in seconds, the time of a delivery may lie from the receiver's clock. */
export const DEFAULT_TOLERANCE_S = 300;

/** A delivery does not come from a holder of the secret, or not now: do not act on it, and answer 400 or 401. */
export class WebhookVerificationError extends Error {
  /** @override */
  name = "WebhookVerificationError";
}

/** A text is no secret of a webhook: those are `whsec_` and the base64 of 24 to 64 bytes. The text is not shown. */
export class SecretError extends Error {
  /** @override */
  name = "SecretError";
}

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
export async function verify(headers, body, secret, options = {}) {
  const keys = await keysOf(secret);
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature");
  if (!id || !timestamp || !signatures) {
    throw new WebhookVerificationError("webhook-id, webhook-timestamp or webhook-signature is missing");
  }
  checkTime(timestamp, options.toleranceS ?? tolerance(), options.now ?? Date.now() / 1000);
  const raw = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = signedBytes(id, timestamp, raw);
  let matches = 0;
  // `subtle.verify` compares in constant time; each pair is compared, whatever comes before it.
  for (const one of signatures.split(" ").slice(0, MAX_SIGNATURES)) {
    const [version, signature = ""] = one.split(",", 2);
    const bytes = version === "v1" ? decodeBase64(signature) : null;
    if (!bytes) continue;
    for (const key of keys) {
      matches += Number(await crypto.subtle.verify("HMAC", key, bytes, signed));
    }
  }
  if (!matches) throw new WebhookVerificationError("no signature of this delivery was made with the secret");
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw));
  } catch {
    throw new WebhookVerificationError("the body is not JSON");
  }
}

/**
 * Returns the value of `webhook-signature` for one delivery.
 *
 * @param {string} id The value of `webhook-id`; no full stop may be in it.
 * @param {number} timestamp The value of `webhook-timestamp`, whole seconds since 1970.
 * @param {string | Uint8Array} body
 * @param {string | string[]} secret One signature is made with each.
 * @returns {Promise<string>}
 */
export async function sign(id, timestamp, body, secret) {
  if (!id || id.includes(".")) throw new TypeError("the id of a delivery must have a character, and no full stop");
  const raw = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = signedBytes(id, String(timestamp), raw);
  const made = [];
  for (const key of await keysOf(secret)) {
    made.push(`v1,${encodeBase64(new Uint8Array(await crypto.subtle.sign("HMAC", key, signed)))}`);
  }
  return made.join(" ");
}

/** @param {string | string[]} secret @returns {Promise<CryptoKey[]>} */
async function keysOf(secret) {
  const texts = typeof secret === "string" ? [secret] : [...(secret ?? [])];
  if (texts.length === 0) throw new SecretError("no secret was given");
  return Promise.all(
    texts.map((text) => crypto.subtle.importKey("raw", secretBytes(text), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"])),
  );
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
function secretBytes(text) {
  const trimmed = String(text).trim();
  if (!trimmed.startsWith(PREFIX)) throw new SecretError(`a webhook secret begins with ${PREFIX}`);
  const bytes = decodeBase64(trimmed.slice(PREFIX.length));
  if (!bytes) throw new SecretError(`what follows ${PREFIX} in a webhook secret is not base64`);
  if (bytes.length < MIN_SECRET_BYTES || bytes.length > MAX_SECRET_BYTES) {
    throw new SecretError(`a webhook secret has ${bytes.length} bytes; allowed: ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES}`);
  }
  return bytes;
}

/** @param {Headers | Record<string, string | string[] | undefined>} headers @param {string} name @returns {string} */
function header(headers, name) {
  if (typeof Headers !== "undefined" && headers instanceof Headers) return headers.get(name) ?? "";
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name) return typeof value === "string" ? value : "";
  }
  return "";
}

/** @param {string} timestamp @param {number} toleranceS @param {number} now */
function checkTime(timestamp, toleranceS, now) {
  if (!/^[0-9]{1,12}$/.test(timestamp)) {
    throw new WebhookVerificationError("webhook-timestamp is not a number of seconds since 1970");
  }
  const age = now - Number(timestamp);
  if (!(Math.abs(age) <= toleranceS)) {
    const side = age > 0 ? "past" : "future";
    throw new WebhookVerificationError(
      `the delivery's time lies ${Math.round(Math.abs(age))} s in the ${side}; ${toleranceS} s are allowed`,
    );
  }
}

/** @returns {number} */
function tolerance() {
  /** @type {any} */
  const host = globalThis;
  const text = host.process?.env?.TIDINGS_WEBHOOK_TOLERANCE_S;
  if (!text) return DEFAULT_TOLERANCE_S;
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400)) {
    throw new RangeError(`TIDINGS_WEBHOOK_TOLERANCE_S is ${JSON.stringify(text)}; allowed: above 0, at most 86400 (s)`);
  }
  return seconds;
}

/** @param {string} id @param {string} timestamp @param {Uint8Array} body @returns {Uint8Array<ArrayBuffer>} */
function signedBytes(id, timestamp, body) {
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  return signed;
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer> | null} */
function decodeBase64(text) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  try {
    return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes @returns {string} */
function encodeBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}
