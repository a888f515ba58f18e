// @ts-check
/** The page of a server: a form for each kind that is served, a board of jobs, one connection for all. */

import { Tidings } from "../tidings.js";
import { Board } from "./cards/board.js";
import { lookAtKinds } from "./forms/look.js";
import { startPlain } from "./cards/plain.js";
import { showConnection } from "./status.js";
import { part } from "./template.js";

const tidings = new Tidings();
showConnection(tidings, document);
const board = new Board(tidings, document);
lookAtKinds(tidings, startPlain(part(document, "starter-other", HTMLElement), (kind, label, input) => board.start(kind, label, input)));
