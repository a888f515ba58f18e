// @ts-check
/** What the console tells in passing, and what it asks before it does what cannot be undone. */

import { h, shell } from "./dom.js";

const SHOWN_MS = 6000;
const MOST = 4;

/**
 * Tells it to eyes and to screen readers.
 *
 * @param {string} text
 * @param {"good" | "bad"} [tone] What is bad stays until it is closed.
 */
export function tell(text, tone = "good") {
  const toasts = shell("toasts", HTMLElement);
  for (const one of toasts.children) if (one.firstElementChild?.textContent === text) one.remove(); // said again, not twice
  const toast = h("div", { class: "toast", "data-tone": tone },
    h("p", { class: "toast-text" }, text),
    h("button", { class: "button is-quiet is-small", type: "button", "aria-label": "Close this message", onclick: () => toast.remove() }, "×"),
  );
  toasts.append(toast);
  while (toasts.childElementCount > MOST) toasts.firstElementChild?.remove();
  if (tone === "good") setTimeout(() => toast.remove(), SHOWN_MS);
  announce(text);
}

/** @param {string} text For screen readers alone. */
export function announce(text) {
  shell("announcer", HTMLElement).textContent = text;
}

/**
 * Asks, and waits for the answer.
 *
 * @param {{title: string, text: string, yes: string, danger?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, text, yes, danger = false }) {
  const dialog = shell("ask", HTMLDialogElement);
  if (dialog.open) return Promise.resolve(false); // one question at a time: a yes is to what one reads
  shell("ask-title", HTMLElement).textContent = title;
  shell("ask-text", HTMLElement).textContent = text;
  const button = shell("ask-yes", HTMLButtonElement);
  button.textContent = yes;
  button.classList.toggle("is-destructive", danger);
  dialog.returnValue = "no";
  dialog.showModal();
  shell("ask-no", HTMLButtonElement).focus(); // Enter alone destroys nothing
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
