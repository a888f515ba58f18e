// @ts-check
/** The demo's page: forms that start jobs, a board that shows them, one connection for all. */

import { Tidings } from "../tidings.js";
import { Board } from "./cards/board.js";
import { ChatCard } from "./demo/chat/chat-card.js";
import { FlightsView, startFlights } from "./demo/flights.js";
import { lookAtKinds } from "./forms/look.js";
import { OrderView, startOrders } from "./demo/orders.js";
import { PicturesView, startPictures } from "./demo/pictures.js";
import { startPlain } from "./cards/plain.js";
import { RecitalView, startRecital } from "./demo/recital.js";
import { showConnection } from "./status.js";
import { part } from "./template.js";
import { TextView, startText } from "./demo/text.js";
import { useViews } from "./cards/view.js";

useViews({ flight_delays: FlightsView, thumbnails: PicturesView, index_text: TextView, recite: RecitalView, place_order: OrderView });
const tidings = new Tidings();
showConnection(tidings, document);

const board = new Board(tidings, document);
/** @type {import("./cards/view.js").Submit} */
const submit = (kind, label, input) => board.start(kind, label, input);

/** @type {import("./demo/orders.js").Ask} */
const ask = (kind, input) => tidings.submit(kind, input).result;

const starters = [
  { root: part(document, "starter-orders", HTMLElement), start: startOrders },
  { root: part(document, "starter-flights", HTMLElement), start: startFlights },
  { root: part(document, "starter-pictures", HTMLElement), start: startPictures },
  { root: part(document, "starter-text", HTMLElement), start: startText },
  { root: part(document, "starter-recital", HTMLElement), start: startRecital },
].map(({ root, start }) => ({ root, startOne: start(root, submit, () => tidings.limits?.max_frame_bytes, ask) }));
const offer = startPlain(part(document, "starter-other", HTMLElement), submit);

const chatRoot = part(document, "starter-chat", HTMLElement);
const chat = new ChatCard(chatRoot, tidings);

const startAll = part(document, "start-all", HTMLButtonElement);
startAll.addEventListener("click", () => {
  for (const { root, startOne } of starters) {
    if (root.dataset.served === "yes") startOne();
  }
});

/** @param {import("./forms/kinds.js").Kind[]} kinds */
function show(kinds) {
  const names = new Set(kinds.map(({ kind }) => kind));
  for (const { root } of starters) serve(root, names.has(root.dataset.kind ?? ""));
  chat.serve(names.has(chatRoot.dataset.kind ?? ""));
  const demo = new Set([...starters, { root: chatRoot }].flatMap(({ root: { dataset } }) => [dataset.kind, ...(dataset.besides ?? "").split(" ")]));
  startAll.disabled = false; // until the server has said which kinds are served, it would start some that wait forever
  startAll.hidden = !starters.some(({ root }) => root.dataset.served === "yes");
  offer(kinds.filter(({ kind }) => !demo.has(kind)));
}

/**
 * @param {HTMLElement} root
 * @param {boolean} served
 */
function serve(root, served) {
  root.dataset.served = served ? "yes" : "no";
  const missing = part(root, "missing", HTMLElement);
  missing.hidden = served;
  missing.textContent = `Not served here: no worker has registered the kind ${root.dataset.kind}.`;
  for (const fields of root.querySelectorAll("fieldset")) fields.disabled = !served;
}

lookAtKinds(tidings, show);
