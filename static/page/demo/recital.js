// @ts-check
/** A recital: the form that asks for one, and the text as it is said. */

/** @import { Submit } from "../cards/view.js" */
import { part, stamp } from "../template.js";
import { StreamedTexts } from "../cards/streamed.js";

/**
 * @param {HTMLElement} root
 * @param {Submit} submit
 * @returns {() => void} Starts one with what the form holds.
 */
export function startRecital(root, submit) {
  const form = part(root, "form", HTMLFormElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = Number(new FormData(form).get("words"));
    submit("recite", `Recital of ${words} words`, { words });
  });
  return () => form.requestSubmit();
}

export class RecitalView {
  element = stamp("recital");
  #texts = new StreamedTexts(part(this.element, "streams", HTMLElement));

  progress() {}

  log() {}

  /** @param {string} name @param {import("../../tidings.js").Job} job */
  stream(name, job) {
    this.#texts.show(name, job);
  }

  /** @param {any} result */
  result(result) {
    part(this.element, "end", HTMLElement).hidden = false;
    part(this.element, "end", HTMLElement).textContent = `${String(result).length.toLocaleString("en")} characters, to the last`;
  }
}
