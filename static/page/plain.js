// @ts-check
/** Any other kind: a form from its schema, and its log and result as JSON. */

/** @import { Kind } from "./kinds.js" */
/** @import { Submit } from "./view.js" */
import { example } from "./kinds.js";
import { Tail } from "./tail.js";
import { fill, part, stamp } from "./template.js";

/**
 * @param {HTMLElement} root
 * @param {Submit} submit
 * @returns {(kinds: Kind[]) => void} Offers these kinds.
 */
export function startPlain(root, submit) {
  const choice = part(root, "kind", HTMLSelectElement);
  const input = part(root, "input", HTMLTextAreaElement);
  const problem = part(root, "problem", HTMLElement);
  /** @type {Map<string, Kind>} */
  let offered = new Map();
  let prefilled = "";

  const prefill = () => {
    const kind = offered.get(choice.value);
    if (!kind) return;
    prefilled = input.value = JSON.stringify(example(kind.input) ?? {}, null, 2);
    part(root, "description", HTMLElement).textContent = kind.description || `Queue ${kind.queue}, version ${kind.version}.`;
    problem.textContent = "";
  };
  choice.addEventListener("change", prefill);
  part(root, "form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const { value, error } = parse(input.value);
    problem.textContent = error;
    input.setAttribute("aria-invalid", String(Boolean(error)));
    if (error) input.focus();
    else submit(choice.value, titleOf(choice.value, value), value);
  });

  return (kinds) => {
    const before = choice.value;
    const untouched = input.value === prefilled;
    offered = new Map(kinds.map((kind) => [kind.kind, kind]));
    choice.replaceChildren(...kinds.map(({ kind }) => new Option(kind, kind)));
    if (offered.has(before)) choice.value = before;
    root.hidden = kinds.length === 0;
    if (untouched || choice.value !== before) prefill();
  };
}

/** How much of an input a title shows, in characters. */
const TITLE = 40;

/**
 * @param {string} kind
 * @param {object} input
 */
function titleOf(kind, input) {
  const fields = Object.entries(input).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ");
  return `${kind}(${fields.length > TITLE ? `${fields.slice(0, TITLE)}…` : fields})`;
}

/**
 * @param {string} text
 * @returns {{value: any, error: string}}
 */
function parse(text) {
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return { value, error: isObject ? "" : "The input has to be a JSON object: { … }" };
  } catch (error) {
    return { value: null, error: `Not JSON: ${error instanceof Error ? error.message : error}` };
  }
}

export class PlainView {
  element = stamp("plain");
  /** @type {Tail<string>} */
  #tail = new Tail("Log", (text) => fill("line", { text }));
  #box = part(this.element, "tail", HTMLElement);

  constructor() {
    this.#box.append(this.#tail.element);
  }

  /** @param {any} data */
  progress(data) {
    this.log(data);
  }

  /** @param {any} chunk */
  log(chunk) {
    this.#box.hidden = false;
    this.#tail.add(typeof chunk === "string" ? chunk : JSON.stringify(chunk));
  }

  /** @param {any} result */
  result(result) {
    part(this.element, "result-box", HTMLElement).hidden = false;
    part(this.element, "result", HTMLElement).textContent = JSON.stringify(result, null, 2);
  }
}
