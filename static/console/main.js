// @ts-check
/** The console: one connection, one page at a time, keys. */

/** @import { View, Desk } from "./parts/view.js" */
import { showConnection } from "../page/status.js";
import { Api } from "./api.js";
import { h, mark, say, shell } from "./parts/dom.js";
import { Feed } from "./feed.js";
import { startKeys } from "./keys.js";
import { announce, tell } from "./parts/notice.js";
import { PAGES, pageOf } from "./pages.js";
import { format, parse } from "./router.js";
import { Session } from "./session.js";
import { startTheme } from "./theme.js";
import { message, missingParts } from "./parts/words.js";

/** Left of the present page in a navigation that scrolls, so much of the one before is seen: px. */
const A_THUMB = 60;

const session = new Session();
const api = new Api(session);
const main = shell("view", HTMLElement);
/** @type {View | null} */
let view = null;
let shown = "";

startTheme(() => view?.paint?.());
startKeys([
  ...PAGES.map(({ page, key, title }) => ({ keys: `g ${key}`, does: title, act: () => { location.hash = format(page); } })),
  { keys: "/", does: "Search the page", act: search },
]);
shell("nav", HTMLElement).replaceChildren(...PAGES.map(({ page, key, title }) => h("li", {},
  h("a", { class: "nav-link", href: format(page), "data-page": page, "aria-keyshortcuts": `g ${key}` },
    h("span", { class: "nav-text" }, title), h("span", { class: "nav-count", "data-count": page })))));
shell("skip", HTMLAnchorElement).addEventListener("click", (event) => {
  event.preventDefault(); // the hash is where one is
  main.focus();
});

await start();

/** Goes on once the server has said who may come. */
async function start() {
  /** @type {import("./types.js").Overview | null} */
  let first = null;
  try {
    first = await api.get("overview");
  } catch (error) {
    tell(message(error), "bad"); // the connection says more, and comes back by itself
  }
  const feed = new Feed(session, api);
  /** @type {Desk} */
  const desk = { api, feed, latest: () => feed.latest };
  showConnection(feed.tidings, document);
  const missing = shell("missing", HTMLElement);
  feed.on("overview", (overview) => {
    say(missing, missingParts(overview.store));
    missing.hidden = missing.textContent === "";
    view?.see?.(overview);
    badge("dead", [...new Map(overview.queues.map((line) => [line.queue, line.dead])).values()].reduce((sum, dead) => sum + dead, 0));
    badge("breakers", overview.breakers.filter(({ state }) => state !== "closed").length);
    badge("connections", overview.connections.slow);
  });
  feed.on("refused", (why) => tell(why, "bad"));
  addEventListener("hashchange", () => show(desk));
  show(desk);
  if (first) feed.take(first);
}

/** @param {Desk} desk */
function show(desk) {
  const place = parse(location.hash);
  const at = `${place.page}/${place.name}`;
  if (view?.moved && at === shown) return view.moved(place.query);
  const first = view === null;
  view?.close?.();
  shown = at;
  view = pageOf(place)(desk, place);
  main.replaceChildren(view.element);
  document.title = `${view.title} · Tidings`;
  for (const link of document.querySelectorAll(".nav-link")) {
    if (!(link instanceof HTMLElement)) continue;
    mark(link, "aria-current", link.dataset.page === place.page ? "page" : null);
    if (link.dataset.page === place.page) link.closest("nav")?.scrollTo({ left: link.offsetLeft - A_THUMB }); // on a phone it scrolls
  }
  if (!first) {
    scrollTo(0, 0);
    view.element.querySelector("h1")?.focus({ preventScroll: true });
    announce(view.title);
  }
  const latest = desk.latest();
  if (latest) view.see?.(latest);
}

function search() {
  const field = main.querySelector("input[type=search], .filters select");
  if (field instanceof HTMLElement) field.focus();
  else location.hash = format("jobs", "", { focus: "search" });
}

/**
 * @param {string} page
 * @param {number} number
 */
function badge(page, number) {
  const element = document.querySelector(`[data-count="${page}"]`);
  if (element) say(element, number > 0 ? String(number) : "");
}
