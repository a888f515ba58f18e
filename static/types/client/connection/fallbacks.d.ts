/** What there is below the socket, loaded only where it is needed. The best first. */
/** @import { Lesser } from "./connection.js" */
/** @type {Lesser} */
export const LESSER: Lesser;
import type { Lesser } from "./connection.js";
