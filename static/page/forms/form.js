// @ts-check
/**
 * A form made from the JSON Schema of an input: a field for each property, and a text of JSON for what has no field.
 *
 * The server judges what is filled in; its problem names the place by a JSON Pointer, and stands at the field of it.
 * Source: https://json-schema.org/draft/2020-12/json-schema-validation
 */

import { element as h, resolved } from "./schema.js";

/** How deep objects and lists have fields of their own. */
const DEEPEST = 4;
/** Longer texts get room for several lines. */
const LONG = 200;
/** A choice among so many is no choice in a list. */
const MOST_CHOICES = 200;

/**
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {() => unknown} read What is filled in; undefined: nothing. Throws a `FieldError`.
 * @property {(path: string[]) => HTMLElement | null} find The element of a place within, or the nearest around it.
 */

/** What is filled in cannot be sent. */
export class FieldError extends Error {
  /**
   * @param {HTMLElement} field
   * @param {string} message
   */
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

let numbers = 0;

export class SchemaForm {
  element;
  #control;

  /** @param {any} schema Of the input, an object. */
  constructor(schema) {
    const root = schema ?? {};
    const own = resolved(root, root);
    this.#control = hasFields(own) ? objectOf(own, root, 0) : jsonOf({ ...own, default: own.default ?? {} });
    this.element = h("div", { class: "form-fields" }, this.#control.element);
  }

  /**
   * @returns {any} What is filled in.
   * @throws {FieldError} It cannot be sent.
   */
  read() {
    this.clear();
    return this.#control.read() ?? {};
  }

  clear() {
    for (const one of this.element.querySelectorAll(".field-problem")) one.remove();
    for (const one of this.element.querySelectorAll("[aria-invalid]")) {
      one.removeAttribute("aria-invalid");
      one.removeAttribute("aria-describedby");
    }
  }

  /**
   * Says at a field what is wrong with it.
   *
   * @param {string | HTMLElement} where The field, or a JSON Pointer into the input (RFC 6901).
   * @param {string} message
   * @returns {boolean} Whether there is a field for it.
   */
  complain(where, message) {
    const path = typeof where === "string" ? where.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~")) : [];
    const field = typeof where === "string" ? this.#control.find(path) : where;
    if (!field || field.hidden) return false;
    const id = `problem-${numbers += 1}`;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", id);
    field.after(h("p", { class: "form-problem field-problem", id, role: "alert" }, message));
    field.focus();
    return true;
  }
}

/** @param {any} schema */
const hasFields = (schema) => Object.keys(schema.properties ?? {}).length > 0 || (schema.type === "object" && !schema.additionalProperties && !schema.patternProperties && !schema.anyOf);

/**
 * @param {any} schema
 * @param {any} root
 * @param {number} depth
 * @returns {Control}
 */
function objectOf(schema, root, depth) {
  const required = new Set(schema.required ?? []);
  /** @type {Map<string, Control>} */
  const fields = new Map(Object.entries(schema.properties ?? {}).map(([name, inner]) =>
    [name, fieldOf(name, inner, root, required.has(name), depth)]));
  const element = h("div", { class: "form-object", tabindex: "-1" }, ...[...fields.values()].map((field) => field.element),
    ...(fields.size === 0 ? [h("p", { class: "form-note" }, "This kind takes no input.")] : []));
  return {
    element,
    read: () => Object.fromEntries([...fields].map(([name, field]) => [name, field.read()]).filter(([, value]) => value !== undefined)),
    find: ([name, ...rest]) => fields.get(name)?.find(rest) ?? element,
  };
}

/**
 * @param {string} name
 * @param {any} given
 * @param {any} root
 * @param {boolean} required
 * @param {number} depth
 * @returns {Control}
 */
function fieldOf(name, given, root, required, depth) {
  const { schema, nullable } = plain(given, root);
  const id = `field-${numbers += 1}`;
  const note = [schema.description, bounds(schema), required ? "" : "optional"].filter(Boolean).join(" · ");
  const describe = h("span", { class: "field-note" }, note);
  const control = controlOf(schema, root, { id, required, nullable, depth });
  const isGroup = control.element.classList.contains("form-object") || control.element.classList.contains("form-list");
  const element = isGroup
    ? h("fieldset", { class: "form-group" }, h("legend", { class: "field-label" }, name, " ", describe), control.element)
    : h("div", { class: "field is-wide" }, h("label", { class: "field-label", for: id }, name, " ", describe), control.element);
  return { ...control, element };
}

/**
 * @typedef {object} Where
 * @property {string} id
 * @property {boolean} required
 * @property {boolean} nullable
 * @property {number} depth
 */

/**
 * @param {any} schema
 * @param {any} root
 * @param {Where} where
 * @returns {Control}
 */
function controlOf(schema, root, where) {
  const choices = "const" in schema ? [schema.const] : schema.enum;
  if (Array.isArray(choices) && choices.length <= MOST_CHOICES) return choiceOf(choices, schema, where);
  if (schema.anyOf || schema.oneOf || schema.allOf || Array.isArray(schema.type)) return jsonOf(schema, where);
  switch (schema.type) {
    case "boolean": return choiceOf([true, false], schema, where, ["yes", "no"]);
    case "integer":
    case "number": return numberOf(schema, where);
    case "string": return textOf(schema, where);
    case "object": {
      // One that may be left out is left out by leaving it empty; a form of its own would send it always.
      const own = where.depth < DEEPEST && hasFields(schema) && Object.keys(schema.properties ?? {}).length > 0;
      return own && where.required && !where.nullable ? objectOf(schema, root, where.depth + 1) : jsonOf(schema, where);
    }
    case "array": return where.depth < DEEPEST && schema.items && !schema.prefixItems ? listOf(schema, root, where) : jsonOf(schema, where);
    default: return jsonOf(schema, where);
  }
}

/**
 * @param {HTMLElement} field
 * @param {() => unknown} read
 * @returns {Control}
 */
const single = (field, read) => ({ element: field, read, find: () => field });

/**
 * @param {unknown[]} choices
 * @param {any} schema
 * @param {Where} where
 * @param {string[]} [words]
 */
function choiceOf(choices, schema, { id, required, nullable }, words) {
  const first = "default" in schema || required ? [] : [h("option", { value: "" }, "not said")];
  const none = nullable ? [h("option", { value: "null" }, "null")] : [];
  const options = choices.map((one, at) => h("option", { value: JSON.stringify(one) }, words?.[at] ?? String(one)));
  const field = /** @type {HTMLSelectElement} */ (h("select", { class: "input", id }, ...first, ...options, ...none));
  if ("default" in schema) field.value = JSON.stringify(schema.default);
  else if (required && schema.type === "boolean") field.value = "false";
  return single(field, () => (field.value === "" ? undefined : JSON.parse(field.value)));
}

/**
 * @param {any} schema
 * @param {Where} where
 */
function numberOf(schema, { id, required, nullable }) {
  const field = /** @type {HTMLInputElement} */ (h("input", { class: "input", type: "number", id, step: schema.type === "integer" ? "1" : "any",
    ...(schema.minimum === undefined ? {} : { min: schema.minimum }), ...(schema.maximum === undefined ? {} : { max: schema.maximum }) }));
  const start = schema.default ?? schema.examples?.[0] ?? (required && !nullable ? schema.minimum ?? (schema.exclusiveMinimum === undefined ? 0 : schema.exclusiveMinimum + 1) : "");
  field.value = String(start ?? "");
  return single(field, () => {
    if (field.validity.badInput) throw new FieldError(field, "This is not a number.");
    if (field.value !== "") return Number(field.value);
    return nullable && required ? null : undefined;
  });
}

/**
 * @param {any} schema
 * @param {Where} where
 */
function textOf(schema, { id, required, nullable }) {
  const long = (schema.maxLength ?? 0) > LONG || String(schema.default ?? "").includes("\n");
  const more = { class: "input", id, spellcheck: "false", autocomplete: "off", placeholder: schema.format ?? "" };
  const field = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (long ? h("textarea", { ...more, rows: "3" }) : h("input", { ...more, type: "text" }));
  field.value = schema.default ?? schema.examples?.[0] ?? "";
  return single(field, () => {
    if (field.value !== "" || (required && !nullable) || typeof schema.default === "string") return field.value;
    return required ? null : undefined;
  });
}

/**
 * @param {any} schema
 * @param {Partial<Where>} [where]
 */
function jsonOf(schema, { id = `field-${numbers += 1}`, required = true, nullable = false } = {}) {
  const field = /** @type {HTMLTextAreaElement} */ (h("textarea", { class: "input is-code", id, rows: "3", spellcheck: "false", placeholder: "JSON" }));
  if (schema.default !== undefined && schema.default !== null) field.value = JSON.stringify(schema.default, null, 2);
  return single(field, () => {
    if (field.value.trim() === "") {
      if (required && !nullable) throw new FieldError(field, "This is needed: write it as JSON.");
      return required ? null : undefined;
    }
    try {
      return JSON.parse(field.value);
    } catch (error) {
      throw new FieldError(field, `Not JSON: ${error instanceof Error ? error.message : error}`);
    }
  });
}

/**
 * @param {any} schema
 * @param {any} root
 * @param {Where} where
 * @returns {Control}
 */
function listOf(schema, root, { required, nullable, depth }) {
  const items = h("ol", { class: "form-items" });
  const add = /** @type {HTMLButtonElement} */ (h("button", { class: "button is-small", type: "button" }, "Add"));
  const element = h("div", { class: "form-list", tabindex: "-1" }, items, add);
  /** @type {Map<HTMLElement, Control>} */
  const controls = new Map();
  const there = () => [...controls.values()];
  const append = (/** @type {unknown} */ value) => {
    const inner = value === undefined ? schema.items : { ...plain(schema.items, root).schema, default: value };
    const field = fieldOf("item", inner, root, true, depth + 1);
    const remove = h("button", { class: "button is-small", type: "button", "aria-label": "Remove this item" }, "Remove");
    const line = h("li", { class: "form-item" }, field.element, remove);
    controls.set(line, field);
    items.append(line);
    remove.addEventListener("click", () => {
      controls.delete(line);
      line.remove();
      add.focus();
    });
  };
  add.addEventListener("click", () => append(undefined));
  for (const value of Array.isArray(schema.default) ? schema.default : []) append(value);
  while (controls.size < Math.min(schema.minItems ?? 0, 20)) append(undefined);
  return {
    element,
    read: () => (controls.size > 0 || (required && !nullable) || schema.default ? there().map((one) => one.read()) : required ? null : undefined),
    find: ([at, ...rest]) => there()[Number(at)]?.find(rest) ?? element,
  };
}

/**
 * Returns a schema with its references followed, and without the null that it may be besides.
 *
 * @param {any} given
 * @param {any} root
 * @returns {{schema: any, nullable: boolean}}
 */
export function plain(given, root) {
  const schema = resolved(given, root);
  const either = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(either)) {
    const others = either.filter((one) => one?.type !== "null");
    const [only] = others;
    if (others.length === 1) return { schema: { ...resolved(only, root), ...without(schema) }, nullable: others.length < either.length };
  }
  if (Array.isArray(schema.type)) {
    const others = schema.type.filter((/** @type {string} */ one) => one !== "null");
    if (others.length === 1) return { schema: { ...schema, type: others[0] }, nullable: others.length < schema.type.length };
  }
  return { schema, nullable: false };
}

/** @param {any} schema Without the choice, and without a default that is null: that is what is sent where nothing is said. */
function without({ anyOf: _, oneOf: __, default: given, ...rest }) {
  return given === null || given === undefined ? rest : { ...rest, default: given };
}

/** @param {any} schema */
function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, pattern, format }) {
  const said = [
    minimum !== undefined && `from ${minimum}`, exclusiveMinimum !== undefined && `above ${exclusiveMinimum}`,
    maximum !== undefined && `up to ${maximum}`, exclusiveMaximum !== undefined && `below ${exclusiveMaximum}`,
    minLength > 0 && `at least ${minLength} characters`, maxLength !== undefined && `at most ${maxLength} characters`,
    pattern !== undefined && `like ${pattern}`, format,
  ];
  return said.filter(Boolean).join(", ");
}
