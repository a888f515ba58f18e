// @ts-check
/** Which kinds are served here, and an example of each one's input. */

import { lookUp } from "./schema.js";

/**
 * @typedef {object} Kind
 * @property {string} kind
 * @property {number} version
 * @property {string} queue
 * @property {string} tier
 * @property {string} description
 * @property {any} input JSON Schema.
 * @property {any} result JSON Schema or null.
 */

/**
 * @returns {Promise<Kind[]>}
 * @throws {Error} The server did not answer, or not with a list.
 */
export async function fetchKinds() {
  const response = await fetch("v1/kinds");
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return (await response.json()).kinds;
}

/** How deep an example follows a schema that contains itself. */
const DEEPEST = 6;

/**
 * Returns a value that fits a schema, as far as its first choices go; a start for the person who fills it in.
 *
 * @param {any} schema
 * @param {any} [root] Where `$ref`s lead.
 * @param {number} [depth]
 * @returns {any}
 */
export function example(schema, root = schema, depth = 0) {
  if (depth > DEEPEST || schema === null || typeof schema !== "object") return null;
  if (typeof schema.$ref === "string") return example(lookUp(schema.$ref, root), root, depth + 1);
  if ("default" in schema) return schema.default;
  if ("const" in schema) return schema.const;
  const given = schema.examples?.[0] ?? schema.enum?.[0];
  if (given !== undefined) return given;
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0] ?? schema.allOf?.[0];
  if (choice !== undefined) return example(choice, root, depth + 1);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case "object": return exampleObject(schema, root, depth);
    case "array": return schema.minItems > 0 && schema.items ? [example(schema.items, root, depth + 1)] : [];
    case "string": return "";
    case "integer":
    case "number": return schema.minimum ?? (schema.exclusiveMinimum === undefined ? 0 : schema.exclusiveMinimum + 1);
    case "boolean": return false;
    default: return schema.properties ? exampleObject(schema, root, depth) : null;
  }
}

/**
 * @param {any} schema
 * @param {any} root
 * @param {number} depth
 */
function exampleObject(schema, root, depth) {
  const entries = Object.entries(schema.properties ?? {});
  return Object.fromEntries(entries.map(([name, inner]) => [name, example(inner, root, depth + 1)]));
}
