// @ts-check
/** The shop: the form that places an order, and the receipt that comes of it. */

/** @import { Submit } from "../cards/view.js" */
import { fill, part, stamp } from "../template.js";
import { count, money } from "../words.js";

/** What may go wrong, and the input that makes it so. @type {Record<string, object>} */
const TROUBLE = {
  "nothing": {},
  "declined": { card: "declined" },
  "courier": { address: "out of reach" },
  "slow": { card: "slow" },
  "broken": { card: "broken" },
  "flaky": { card: "flaky" },
};

/** How long every step takes at the least, so that it can be watched: seconds. */
const PACE_S = 0.8;

/** @typedef {(kind: string, input: object) => Promise<any>} Ask Has a job run that is not shown, and returns its result. */

/**
 * @param {HTMLElement} root
 * @param {Submit} submit
 * @param {() => number | undefined} _
 * @param {Ask} ask
 * @returns {() => void} Places the order that the form holds.
 */
export function startOrders(root, submit, _, ask) {
  const form = part(root, "form", HTMLFormElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { item, quantity, trouble } = Object.fromEntries(new FormData(form));
    const input = { item, quantity: Number(quantity), pace: PACE_S, ...TROUBLE[String(trouble)] };
    submit("place_order", `Order of ${quantity} ${item}${Number(quantity) === 1 ? "" : "s"}`, input);
  });
  const note = part(root, "note", HTMLElement);
  const mode = part(root, "mode", HTMLSelectElement);
  const books = part(root, "books", HTMLButtonElement);
  const tell = async (/** @type {Promise<string>} */ answer) => {
    note.textContent = await answer.catch((error) => `That did not work: ${error instanceof Error ? error.message : error}`);
  };
  mode.addEventListener("change", () => tell(
    ask("set_card_service", { mode: mode.value }).then(() => `From now on, for everybody: ${mode.selectedOptions[0].text}.`),
  ));
  books.addEventListener("click", () => tell(ask("check_books", {}).then(sentence)));
  return () => form.requestSubmit();
}

/**
 * Returns what the books say, in words.
 *
 * @param {{under_way: number, shipped: number, given_up: number, sold: number, charged: number, refunded: number,
 *   discrepancies: string[]}} books Money in cents.
 */
export function sentence({ under_way: open, shipped, given_up: undone, sold, charged, refunded, discrepancies }) {
  if (discrepancies.length > 0) return `The books do not agree: ${discrepancies.join("; ")}.`;
  const orders = `${count(shipped)} shipped for ${money(sold)}, ${count(undone)} undone, ${count(open)} under way`;
  return `Stock, card service and courier agree: ${orders}; ${money(charged)} charged, ${money(refunded)} given back.`;
}

export class OrderView {
  element = stamp("order");

  progress() {}

  log() {}

  /** @param {any} receipt */
  result({ item, quantity, total, tracking, label }) {
    const facts = { total: money(total), parcel: `${quantity} × ${item}`, tracking };
    part(this.element, "facts", HTMLElement).replaceChildren(
      ...Object.entries(facts).map(([name, value]) => fill("fact", { name, value })),
    );
    const picture = part(this.element, "label", HTMLImageElement);
    picture.src = `data:image/png;base64,${label}`;
    picture.alt = `The label of the parcel with ${quantity} ${item}, and its bar code`;
    part(this.element, "receipt", HTMLElement).hidden = false;
  }
}
