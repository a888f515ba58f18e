// @ts-check
/**
 * Who the operator is: a credential, asked for when the server wants one, and kept in this tab alone.
 */

import { shell } from "./parts/dom.js";

const KEY = "tidings-credential";

export const STALE = "The server does not take this credential (any more).";

export class Session {
  #dialog = shell("sign-in", HTMLDialogElement);
  #out = shell("sign-out", HTMLButtonElement);
  /** @type {Promise<void> | null} Under way: however many were refused, one question. */
  #asking = null;

  constructor() {
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault()); // there is nothing to go back to
    this.#out.hidden = !this.credential;
    this.#out.addEventListener("click", () => {
      sessionStorage.removeItem(KEY);
      location.reload();
    });
  }

  /** @returns {string | null} */
  get credential() {
    return sessionStorage.getItem(KEY);
  }

  /**
   * Asks for another one.
   *
   * @param {string} why
   * @returns {Promise<void>} When there is one.
   */
  ask(why) {
    this.#asking ??= this.#ask(why).finally(() => { this.#asking = null; });
    return this.#asking;
  }

  /** @param {string} why */
  #ask(why) {
    shell("sign-in-why", HTMLElement).textContent = why;
    const form = shell("sign-in-form", HTMLFormElement);
    form.reset();
    this.#dialog.showModal();
    return new Promise((/** @type {(value: void) => void} */ resolve) => {
      form.addEventListener("submit", () => {
        sessionStorage.setItem(KEY, String(new FormData(form).get("credential")).trim());
        this.#out.hidden = false;
        resolve();
      }, { once: true });
    });
  }
}
