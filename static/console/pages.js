// @ts-check
/** The pages there are, in the order of the navigation, and the letter that follows `g`. */

/** @import { Place } from "./router.js" */
/** @import { Page } from "./parts/view.js" */
import { h } from "./parts/dom.js";
import { audit } from "./pages/audit.js";
import { breakers } from "./pages/breakers.js";
import { connections } from "./pages/connections.js";
import { dead } from "./pages/dead.js";
import { groups } from "./pages/groups.js";
import { job } from "./pages/job.js";
import { jobs } from "./pages/jobs.js";
import { kinds } from "./pages/kinds.js";
import { overview } from "./pages/overview.js";
import { sagas } from "./pages/sagas.js";
import { webhooks } from "./pages/webhooks.js";
import { workers } from "./pages/workers.js";
import { HOME, format } from "./router.js";
import { page as framed } from "./parts/view.js";

/** @type {{page: string, key: string, title: string, make: Page}[]} */
export const PAGES = [
  { page: HOME, key: "o", title: "Overview", make: overview },
  { page: "workers", key: "w", title: "Workers", make: workers },
  { page: "jobs", key: "j", title: "Jobs", make: (desk, place) => (place.name ? job : jobs)(desk, place) },
  { page: "dead", key: "d", title: "Dead letters", make: dead },
  { page: "sagas", key: "s", title: "Sagas", make: sagas },
  { page: "kinds", key: "k", title: "Kinds", make: kinds },
  { page: "breakers", key: "b", title: "Breakers", make: breakers },
  { page: "webhooks", key: "h", title: "Webhooks", make: webhooks },
  { page: "groups", key: "g", title: "Groups", make: groups },
  { page: "connections", key: "c", title: "Connections", make: connections },
  { page: "audit", key: "a", title: "Audit", make: audit },
];

/**
 * @param {Place} place
 * @returns {Page}
 */
export function pageOf({ page }) {
  return PAGES.find((one) => one.page === page)?.make ?? missing;
}

/** @type {Page} */
const missing = (_, { page }) => ({
  title: "No such page",
  element: framed("No such page", [], [
    h("p", { class: "empty" }, "There is no page ", h("code", {}, page), ". ", h("a", { href: format(HOME) }, "Go to the overview"), "."),
  ]),
});
