// @ts-check
/** Running sagas: how many run on which version of their kind, and those that are held because the code takes other steps. */

/** @import { HeldSaga, SagaCount } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { h, say } from "../parts/dom.js";
import { format } from "../router.js";
import { Table } from "../parts/table.js";
import { again, page, panel } from "../parts/view.js";
import { count } from "../parts/words.js";

/** ms */
const EVERY_MS = 3000;

/** Held sagas that the page shows. */
const LIMIT = 100;

/** @type {Page} */
export const sagas = ({ api }) => {
  const note = h("p", { class: "view-note", role: "status" });

  /** @type {Table<SagaCount>} */
  const table = new Table({
    caption: "Running sagas",
    key: ({ kind, version, queue }) => `${kind} ${version} ${queue}`,
    empty: "No saga runs.",
    columns: [
      { head: "Kind", text: ({ kind }) => kind },
      { head: "Version", number: true, text: ({ version }) => String(version) },
      { head: "Queue", text: ({ queue }) => queue },
      { head: "Running or waiting", number: true, text: ({ sagas: running }) => count(running) },
      { head: "Held", number: true, text: ({ held }) => count(held), tone: ({ held }) => (held > 0 ? "bad" : null) },
    ],
  });

  /** @type {Table<HeldSaga>} */
  const held = new Table({
    caption: "Sagas that are held",
    key: ({ token }) => token,
    empty: "None is held.",
    columns: [
      { head: "Saga", make: (row) => h("a", { class: "mono", href: format("jobs", row().token) }, row().token) },
      { head: "Kind", text: ({ kind }) => kind },
      { head: "Version", number: true, text: ({ version, pinned }) => (pinned ? `${version}, pinned` : String(version)) },
      { head: "Does", text: ({ unwinding }) => (unwinding ? "undoes its work" : "its work") },
      { head: "Why it is held", text: ({ held: why }) => why.detail },
    ],
  });

  const looking = again(EVERY_MS, async () => {
    const found = await api.get("sagas", { limit: LIMIT });
    table.show(found.counts);
    held.show(found.held);
    const all = found.counts.reduce((/** @type {number} */ sum, /** @type {SagaCount} */ one) => sum + one.held, 0);
    say(note, all === 0 ? "" : `${count(all)} ${all === 1 ? "saga waits" : "sagas wait"} for code that takes the steps it has taken: a worker of the release before, or of the next. tidings saga release has them tried again.`);
  });

  return {
    title: "Sagas",
    element: page("Sagas", [note], [
      panel("By version", [table.element], { more: "is-table" }),
      panel("Held", [held.element], { more: "is-table" }),
    ]),
    close: () => looking.stop(),
  };
};
