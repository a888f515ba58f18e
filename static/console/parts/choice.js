// @ts-check
/** Choices that stand in a row with others. */

import { h } from "./dom.js";

/**
 * @param {string} name
 * @param {readonly (readonly [string, string])[]} choices
 * @param {string} [chosen]
 */
export function select(name, choices, chosen = choices[0][0]) {
  const made = h("select", { class: "input is-small" }, choices.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return { select: made, label: h("label", { class: "choice" }, h("span", { class: "visually-hidden" }, name), made) };
}

/**
 * Adds what is not there yet, and leaves what is chosen.
 *
 * @param {HTMLSelectElement} select
 * @param {string[]} values
 */
export function offer(select, values) {
  const there = new Set([...select.options].map(({ value }) => value));
  for (const value of [...new Set(values)].sort()) {
    if (!there.has(value)) select.append(h("option", { value }, value));
  }
}
