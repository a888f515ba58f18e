// @ts-check
/**
 * Where one is: `#/jobs?state=failed`, `#/jobs/orders-3.8fK…`.
 *
 * @typedef {object} Place
 * @property {string} page
 * @property {string} name What on the page: a token; empty: none.
 * @property {Record<string, string>} query
 */

export const HOME = "overview";

/**
 * @param {string} hash With or without its `#`.
 * @returns {Place}
 */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [page, ...name] = path.split("/").map(decode);
  return { page: page || HOME, name: name.join("/"), query: Object.fromEntries(new URLSearchParams(query)) };
}

/**
 * @param {string} page
 * @param {string} [name]
 * @param {Record<string, string | null | undefined>} [query] What is empty is left out.
 */
export function format(page, name = "", query = {}) {
  const given = Object.entries(query).filter(([, value]) => value);
  const search = new URLSearchParams(/** @type {[string, string][]} */ (given)).toString();
  return `#/${page}${name && `/${encodeURIComponent(name)}`}${search && `?${search}`}`;
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone % that was typed by hand
  }
}
