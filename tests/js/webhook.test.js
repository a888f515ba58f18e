import assert from "node:assert/strict";
import { test } from "node:test";
import { SecretError, WebhookVerificationError, sign, verify } from "../../static/webhook.js";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const BODY = '{"type":"tidings.job.succeeded","data":{"text":"ü"}}';

async function signed(secret = SECRET, at = 1_000) {
  return { "webhook-id": "msg_1", "webhook-timestamp": String(at), "webhook-signature": await sign("msg_1", at, BODY, secret) };
}

test("a delivery is accepted by each of its secrets, as text and as bytes, with any kind of headers", async () => {
  const headers = await signed([SECRET, OTHER]);
  for (const secret of [SECRET, OTHER, [OTHER, SECRET]]) {
    assert.equal((await verify(headers, BODY, secret, { now: 1_000 })).type, "tidings.job.succeeded");
  }
  assert.ok(await verify(new Headers(headers), new TextEncoder().encode(BODY), SECRET, { now: 1_000 }));
  assert.ok(await verify(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value])), BODY, SECRET, { now: 1_000 }));
});

for (const [name, change] of Object.entries({
  "another body": async () => verify(await signed(), `${BODY} `, SECRET, { now: 1_000 }),
  "another secret": async () => verify(await signed(), BODY, OTHER, { now: 1_000 }),
  "another id": async () => verify({ ...(await signed()), "webhook-id": "msg_2" }, BODY, SECRET, { now: 1_000 }),
  "no header": async () => verify({}, BODY, SECRET, { now: 1_000 }),
  "another version": async () => verify({ ...(await signed()), "webhook-signature": "v1a,AAAA" }, BODY, SECRET, { now: 1_000 }),
  "no base64": async () => verify({ ...(await signed()), "webhook-signature": "v1,!!! v1 v1,A" }, BODY, SECRET, { now: 1_000 }),
  "an old time": async () => verify(await signed(), BODY, SECRET, { now: 1_301 }),
  "a time to come": async () => verify(await signed(), BODY, SECRET, { now: 699 }),
  "a narrow tolerance": async () => verify(await signed(), BODY, SECRET, { now: 1_011, toleranceS: 10 }),
  "a tolerance that is no number": async () => verify(await signed(), BODY, SECRET, { now: 1_000, toleranceS: NaN }),
  "a broken time": async () => verify({ ...(await signed()), "webhook-timestamp": "1e3" }, BODY, SECRET, { now: 1_000 }),
})) {
  test(`a delivery with ${name} is refused`, async () => {
    await assert.rejects(change, WebhookVerificationError);
  });
}

for (const secret of ["", "abc", "whsec_", "whsec_!!!!", "whsec_AAAA", []]) {
  test(`${JSON.stringify(secret)} is no secret`, async () => {
    await assert.rejects(verify(await signed(), BODY, secret), SecretError);
  });
}

test("the variable sets the tolerance", async (t) => {
  t.after(() => delete process.env.TIDINGS_WEBHOOK_TOLERANCE_S);
  process.env.TIDINGS_WEBHOOK_TOLERANCE_S = "20";
  assert.ok(await verify(await signed(), BODY, SECRET, { now: 1_020 }));
  await assert.rejects(verify(await signed(), BODY, SECRET, { now: 1_021 }), /20 s are allowed/);
  process.env.TIDINGS_WEBHOOK_TOLERANCE_S = "soon";
  await assert.rejects(verify(await signed(), BODY, SECRET), RangeError);
});
