// @ts-check
/** Returns a new idempotency key: 128 random bits. Pages not loaded over TLS have no `randomUUID`. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
