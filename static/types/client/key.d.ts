/** Returns a new idempotency key: 128 random bits. Pages not loaded over TLS have no `randomUUID`. */
export function newKey(): string;
