// @ts-check
/**
 * What keys do. One letter, or `g` and then one; never while one types, and never with a modifier.
 *
 * Lists are walked by `j` and `k` over all elements with `data-row`; Enter is the browser's own.
 */

import { h, shell } from "./parts/dom.js";

/** After `g`, so long for the second letter: ms. */
const PAUSE_MS = 1500;

/**
 * @typedef {object} Key
 * @property {string} keys `g o`, `/`, …
 * @property {string} does
 * @property {() => void} act
 */

/** @param {Key[]} table */
export function startKeys(table) {
  const dialog = shell("keys", HTMLDialogElement);
  const all = [
    ...table,
    { keys: "j", does: "The next row", act: () => step(1) },
    { keys: "k", does: "The row before", act: () => step(-1) },
    { keys: "Enter", does: "Open the row", act: () => {} },
    { keys: "?", does: "These keys", act: () => dialog.open || dialog.showModal() },
  ];
  const byKeys = new Map(all.map((key) => [key.keys, key]));
  shell("keys-list", HTMLElement).replaceChildren(...all.flatMap(({ keys, does }) => [
    h("dt", {}, ...keys.split(" ").map((one) => h("kbd", { class: "key" }, one))), h("dd", {}, does),
  ]));
  shell("keys-open", HTMLButtonElement).addEventListener("click", () => dialog.showModal());

  let first = "";
  let at = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || event.key === "Enter") return;
    if (document.querySelector("dialog[open]")) return;
    const led = first && event.timeStamp - at < PAUSE_MS ? `${first} ${event.key}` : event.key;
    first = event.key === "g" && led === "g" ? "g" : "";
    at = event.timeStamp;
    const key = byKeys.get(led);
    if (!key) return;
    event.preventDefault();
    key.act();
  });
}

/** @param {EventTarget | null} target */
function typing(target) {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

/** @param {number} by */
function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row instanceof HTMLElement && row.offsetParent !== null);
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  const next = /** @type {HTMLElement | undefined} */ (rows[now < 0 ? (by > 0 ? 0 : rows.length - 1) : now + by]);
  const inner = next?.querySelector("a, button");
  const target = inner instanceof HTMLElement ? inner : next;
  target?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}
