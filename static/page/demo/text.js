// @ts-check
/** Index of a text: the form that sends one, and what is found in it. */

/** @import { Submit } from "../cards/view.js" */
import { Tail } from "../cards/tail.js";
import { fill, part, stamp } from "../template.js";
import { count, duration } from "../words.js";

/** Terms with a bar; the job may rank more. */
const SHOWN = 10;

/**
 * @param {HTMLElement} root
 * @param {Submit} submit
 * @returns {() => void} Starts one with what the form holds.
 */
export function startText(root, submit) {
  const form = part(root, "form", HTMLFormElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { text, top } = Object.fromEntries(new FormData(form));
    const own = String(text).trim();
    const label = own ? `Index of “${own.slice(0, 24)}${own.length > 24 ? "…" : ""}”` : "Index of the long text";
    submit("index_text", label, { text: own || null, top: Number(top) });
  });
  return () => form.requestSubmit();
}

/** @typedef {{kind: string, term: string, where: string, text: string}} Find */

export class TextView {
  element = stamp("text");
  /** @type {Tail<Find>} */
  #tail = new Tail("Found", ({ kind, term, where, text }) => {
    const line = fill("find", { kind, term: term ?? "", where: where ?? "", text: text ?? "" });
    line.dataset.kind = kind;
    return line;
  });

  constructor() {
    part(this.element, "tail", HTMLElement).append(this.#tail.element);
  }

  /** @param {any} data */
  progress(data) {
    if (!Array.isArray(data?.rows) || data.rows.length === 0) return;
    part(this.element, "title", HTMLElement).textContent = "Most frequent so far";
    this.#rank(data.rows);
  }

  /** @param {any} chunk */
  log(chunk) {
    this.#tail.add(chunk);
  }

  /** @param {any} result */
  result({ title, words, sentences, distinct, elapsed_s: elapsed, terms }) {
    part(this.element, "title", HTMLElement).textContent = title;
    const facts = { words: count(words), sentences: count(sentences), distinct: count(distinct), took: duration(elapsed * 1000) };
    part(this.element, "facts", HTMLElement).replaceChildren(
      ...Object.entries(facts).map(([name, value]) => fill("fact", { name, value })),
    );
    this.#rank(terms);
  }

  /** @param {[string, number][]} terms */
  #rank(terms) {
    part(this.element, "found", HTMLElement).hidden = false;
    const most = Math.max(1, ...terms.map(([, times]) => times));
    part(this.element, "terms", HTMLElement).replaceChildren(...terms.slice(0, SHOWN).map(([name, times]) => {
      const line = fill("term", { name, count: count(times) });
      part(line, "bar", HTMLElement).style.width = `${(100 * times) / most}%`;
      return line;
    }));
  }
}
