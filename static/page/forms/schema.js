// @ts-check
/** What a form made from a JSON Schema needs of schemas and of elements. */

/** How many references are followed one after the other: a schema may refer to itself. */
const MOST_REFERENCES = 16;

/**
 * Returns a schema whose own `$ref`, if it has one, is followed; what stands beside the reference adds to it.
 *
 * @param {any} schema
 * @param {any} root Where `$ref`s lead.
 * @returns {any} An object.
 */
export function resolved(schema, root) {
  let found = schema;
  let beside = {};
  for (let followed = 0; typeof found?.$ref === "string"; followed += 1) {
    if (followed === MOST_REFERENCES) return {};
    const { $ref, ...rest } = found;
    beside = { ...rest, ...beside };
    found = lookUp($ref, root);
  }
  return typeof found === "object" && found !== null ? { ...found, ...beside } : {};
}

/**
 * @param {string} ref `#/$defs/…`
 * @param {any} root
 */
export function lookUp(ref, root) {
  return ref.split("/").slice(1)
    .map((step) => decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((found, step) => found?.[step], root);
}

/**
 * Returns an element; all input becomes text here.
 *
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}
