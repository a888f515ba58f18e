// @ts-check
/** Audit: what operators did, and what they were refused. */

/** @import { AuditLine } from "../types.js" */
/** @import { Page } from "../parts/view.js" */
import { h } from "../parts/dom.js";
import { Paged } from "../parts/paged.js";
import { tell } from "../parts/notice.js";
import { page, panel } from "../parts/view.js";
import { Virtual } from "../parts/virtual.js";
import { message, moment } from "../parts/words.js";

/** @type {Page} */
export const audit = ({ api }) => {
  /** @type {Virtual<AuditLine>} */
  const list = new Virtual({
    caption: "What operators did, the newest first",
    key: (line) => `${line.at} ${line.action} ${line.target} ${line.detail}`,
    empty: "No operator has done anything yet.",
    more: () => void paged.next(),
    cells: [
      { head: "When", wide: [6.5, 1], cell: ({ at }) => moment(at) },
      { head: "Who", wide: [7, 2], cell: ({ who, address }) => who || address || "no credential asked" },
      { head: "Did", wide: [7, 2], cell: ({ action }) => action },
      { head: "To", wide: [9, 3], cell: ({ target }) => target },
      { head: "Outcome", wide: [7, 2], cell: ({ outcome, unrecorded }) => h("span", { class: "chip", "data-tone": outcome === "done" || outcome === "ok" ? "good" : "bad" }, unrecorded ? `${outcome}, ${unrecorded + 1} times` : outcome) },
      { head: "Detail", wide: [10, 4], cell: ({ detail }) => h("span", { title: detail }, detail) },
    ],
  });
  /** @type {Paged<AuditLine>} */
  const paged = new Paged(async (cursor, signal) => {
    const answer = await api.get("audit", { cursor, limit: 200 }, signal);
    return { rows: answer.entries, cursor: answer.cursor };
  }, (failed) => (failed ? tell(message(failed), "bad") : list.show(paged.rows)));
  void paged.restart();
  return {
    title: "Audit",
    element: page("Audit", [h("button", { class: "button is-small", type: "button", onclick: () => void paged.restart() }, "Refresh")], [
      panel("The newest first", [list.element], { more: "is-table" }),
    ]),
    close: () => paged.stop(),
  };
};
