// @ts-check
/**
 * The first choice: a WebSocket. Frames go both ways as they are.
 *
 * A transport carries the contract's frames, in a form of its own. All have these
 * methods, and are heard through `Ear`; one that was lost is not used again:
 *
 *     open()               begins; a `hello` says that frames can be sent
 *     send(text, carried)  sends a frame; of a `watch` says whether a tag that is followed brings the job's events too
 *     close()              ends it, without waiting
 */

/** @import { ServerFrame } from "../frame.js" */
/** @import { Surroundings } from "./connection.js" */
import { ABNORMAL, NORMAL, SUBPROTOCOL, UNAUTHENTICATED } from "../codes.js";

/**
 * @typedef {object} Ear
 * @property {(frame: ServerFrame) => void} frame
 * @property {(code: number, reason: string, awayS?: number) => void} lost It is over; `awayS`: seconds
 *   the server wants us to stay away.
 *
 * @typedef {object} Transport
 * @property {boolean} proven It has carried something: a failure is no sign that it cannot be used here.
 * @property {boolean} quiet Nothing is on its way: silence means nothing.
 * @property {() => void} open
 * @property {(text: string, carried?: boolean) => void} send
 * @property {() => void} close
 *
 * @typedef {new (url: URL, world: Surroundings, ear: Ear) => Transport} TransportClass
 */

/** @implements {Transport} */
export class SocketTransport {
  proven = false;
  quiet = false;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ServerFrame | null} The greeting, until we have said who we are. */
  #hello = null;
  #url;
  #world;
  #ear;

  /**
   * @param {URL} url
   * @param {Surroundings} world
   * @param {Ear} ear
   */
  constructor(url, world, ear) {
    this.#url = url;
    this.#world = world;
    this.#ear = ear;
  }

  open() {
    try {
      const socket = new this.#world.WebSocket(this.#url.href.replace(/^http/, "ws"), SUBPROTOCOL);
      this.#socket = socket;
      socket.onmessage = ({ data }) => this.#receive(data);
      socket.onclose = ({ code, reason }) => this.#ear.lost(code, reason);
    } catch (error) {
      this.#ear.lost(ABNORMAL, String(error));
    }
  }

  /** @param {string} text */
  send(text) {
    this.#socket?.send(text);
  }

  close() {
    this.#socket?.close(NORMAL);
  }

  /** @param {unknown} data */
  #receive(data) {
    const frame = read(data);
    if (!frame) return this.#ear.lost(ABNORMAL, "not a frame of this protocol");
    if (frame.type === "hello") {
      this.proven = true;
      if (frame.authenticated === false) {
        this.#hello = frame;
        return void this.#authenticate();
      }
    } else if ("ref" in frame && frame.ref === 0) {
      return this.#authenticated(frame);
    } else if (frame.type === "error" && frame.problem.code === "token_expiring" && this.#world.credential) {
      return void this.#authenticate();
    }
    this.#ear.frame(frame);
  }

  /** Says who we are, with a credential fetched just now. Its `ref` is 0, which no call has. */
  async #authenticate() {
    try {
      const credential = await this.#world.credential?.();
      if (credential == null) return this.#ear.lost(UNAUTHENTICATED, NONE_GIVEN);
      this.send(JSON.stringify({ type: "auth", ref: 0, credential }));
    } catch (error) {
      this.#ear.lost(UNAUTHENTICATED, `no credential: ${error}`);
    }
  }

  /** @param {ServerFrame} answer */
  #authenticated(answer) {
    const hello = this.#hello;
    this.#hello = null;
    if (answer.type !== "error") {
      if (hello) this.#ear.frame(hello);
    } else if (hello) {
      this.#ear.lost(UNAUTHENTICATED, answer.problem.detail);
    } else {
      this.#ear.frame(answer); // the old credential goes on until it has run out
    }
  }
}

const NONE_GIVEN = "the server wants a credential, and this page gave none: give `new Tidings` a `credential`, or `watch` a "
  + "`grant`; where a cookie says who the user is, log in first";

/**
 * Returns where the paths of HTTP begin.
 *
 * @param {URL} url Of the socket.
 */
export function besides(url) {
  return new URL(".", url).href.replace(/^ws/, "http");
}

/**
 * @param {unknown} data
 * @returns {ServerFrame | null}
 */
function read(data) {
  if (typeof data !== "string") return null;
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}
