// @ts-check
/** Any other kind: a form from its schema, and its log and result as JSON. */

/** @import { Kind } from "../forms/kinds.js" */
/** @import { Submit } from "./view.js" */
import { FieldError, SchemaForm } from "../forms/form.js";
import { example } from "../forms/kinds.js";
import { StreamedTexts } from "./streamed.js";
import { Tail } from "./tail.js";
import { fill, part, stamp } from "../template.js";

/**
 * @param {HTMLElement} root
 * @param {Submit} submit
 * @returns {(kinds: Kind[]) => void} Offers these kinds.
 */
export function startPlain(root, submit) {
  const choice = part(root, "kind", HTMLSelectElement);
  const text = part(root, "input", HTMLTextAreaElement);
  const asText = part(root, "as-text", HTMLButtonElement);
  const problem = part(root, "problem", HTMLElement);
  /** @type {Map<string, Kind>} */
  let offered = new Map();
  let form = new SchemaForm({});
  /** The kind the fields are of, and its schema. */
  let made = "";
  let written = false;

  const show = (/** @type {boolean} */ isText) => {
    written = isText;
    part(root, "text-box", HTMLElement).hidden = !isText;
    form.element.hidden = isText;
    asText.textContent = isText ? "Fill in fields" : "Write it as JSON";
    problem.textContent = "";
  };
  const fill = () => {
    const kind = offered.get(choice.value);
    const now = kind ? `${kind.kind} ${JSON.stringify(kind.input)}` : "";
    if (!kind || now === made) return;
    made = now;
    form = new SchemaForm(kind.input);
    part(root, "fields", HTMLElement).replaceChildren(form.element);
    text.value = JSON.stringify(example(kind.input) ?? {}, null, 2);
    part(root, "description", HTMLElement).textContent = kind.description || `Queue ${kind.queue}, version ${kind.version}.`;
    show(written);
  };
  choice.addEventListener("change", fill);
  asText.addEventListener("click", () => {
    if (!written) {
      try {
        text.value = JSON.stringify(form.read(), null, 2);
      } catch {
        // What is not finished does not hinder: the example stands there.
      }
    }
    show(!written);
  });

  const read = () => (written ? parse(text.value) : form.read());
  part(root, "form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    problem.textContent = "";
    const sent = form;
    try {
      const value = read();
      text.setAttribute("aria-invalid", "false");
      submit(choice.value, titleOf(choice.value, value), value).on("refused", ({ problem: why }) => {
        if (sent !== form || written || !why.field?.startsWith("/input")) return;
        if (!sent.complain(why.field.slice("/input".length), why.detail)) problem.textContent = why.detail;
      });
    } catch (error) {
      if (error instanceof FieldError) form.complain(error.field, error.message);
      else {
        problem.textContent = error instanceof Error ? error.message : String(error);
        text.setAttribute("aria-invalid", "true");
        text.focus();
      }
    }
  });

  return (kinds) => {
    const before = choice.value;
    offered = new Map(kinds.map((kind) => [kind.kind, kind]));
    choice.replaceChildren(...kinds.map(({ kind }) => new Option(kind, kind)));
    if (offered.has(before)) choice.value = before;
    root.hidden = kinds.length === 0;
    fill();
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
 * @returns {object}
 * @throws {Error} It is no object.
 */
function parse(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`Not JSON: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("The input has to be a JSON object: { … }");
  return value;
}

export class PlainView {
  element = stamp("plain");
  /** @type {Tail<string>} */
  #tail = new Tail("Log", (text) => fill("line", { text }));
  #box = part(this.element, "tail", HTMLElement);
  #streams = new StreamedTexts(part(this.element, "streams", HTMLElement));

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

  /** @param {string} name @param {import("../../tidings.js").Job} job */
  stream(name, job) {
    this.#streams.show(name, job);
  }

  /** @param {any} result */
  result(result) {
    part(this.element, "result-box", HTMLElement).hidden = false;
    part(this.element, "result", HTMLElement).textContent = JSON.stringify(result, null, 2);
  }
}
