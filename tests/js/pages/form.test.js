/** Schemas as forms read them: references followed, and null set apart. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { plain } from "../../../static/page/forms/form.js";
import { resolved } from "../../../static/page/forms/schema.js";

const ROOT = { $defs: { "a/b": { type: "string" }, loop: { $ref: "#/$defs/loop" }, day: { enum: ["Mon", "Tue"] } } };

test("a reference is followed, what stands beside it adds to it, and one to itself ends", () => {
  assert.deepEqual(resolved({ $ref: "#/$defs/a~1b", title: "T" }, ROOT), { type: "string", title: "T" });
  assert.deepEqual(resolved({ $ref: "#/$defs/loop" }, ROOT), {});
  assert.deepEqual(resolved({ $ref: "#/$defs/none" }, ROOT), {});
  for (const odd of [null, undefined, true, 3, "x"]) assert.deepEqual(resolved(odd, ROOT), {});
});

test("what may be null besides is its other form, and a choice of several stays one", () => {
  assert.deepEqual(plain({ anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }], default: null }, ROOT), { schema: { type: "integer", minimum: 1 }, nullable: true });
  assert.deepEqual(plain({ oneOf: [{ type: "null" }, { $ref: "#/$defs/day" }], default: "Mon" }, ROOT), { schema: { enum: ["Mon", "Tue"], default: "Mon" }, nullable: true });
  assert.deepEqual(plain({ type: ["string", "null"] }, ROOT), { schema: { type: "string" }, nullable: true });
  const both = { anyOf: [{ type: "integer" }, { type: "string" }] };
  assert.deepEqual(plain(both, ROOT), { schema: both, nullable: false });
});
