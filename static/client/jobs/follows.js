// @ts-check
/**
 * Which tags are followed, and what it takes that no job with one of them is missed.
 *
 * The server sends a snapshot without a `ref` of each job that has the tag; the first of a job begins it here, and it goes
 * on as any other. After a break the tag is followed again from a little before the newest time that was heard: the server
 * then also sends the jobs that ended meanwhile. What was sent before is dropped here.
 */

/** @import { EventFrame, Following, Problem, Snapshot } from "../frame.js" */
/** @import { Follow, FollowInlet } from "./follow.js" */
/** @import { TrackedJob } from "./watches.js" */
import { PASSING, TERMINAL } from "../codes.js";

/** Jobs that one follow remembers. */
const MOST_SEEN = 10_000;
/** How far before the newest time heard it follows on, ms: events of several jobs may overtake each other. */
const OVERLAP_MS = 10_000;

/**
 * @typedef {object} TrackedFollow
 * @property {Follow} follow
 * @property {FollowInlet} inlet
 * @property {string} [owner]
 * @property {string} [since] Jobs that ended before are none of its own (RFC 3339); undefined: the server has not answered.
 *
 * @typedef {object} FollowAsking
 * @property {(tag: string, fields: {owner?: string, since?: string}, outcome: {answered: (frame: Following) => void,
 *   refused: (problem: Problem) => void}) => boolean} follow Returns false if it has to wait: `start` is called then.
 * @property {(tag: string) => void} unfollow
 * @property {(again: () => void, tries: number, problem: Problem) => void} later Calls `again` after back-off, if there
 *   is still a connection then.
 * @property {(tag: string, snapshot: Snapshot) => {tracked: TrackedJob, begin: (changed: boolean) => void}} open Makes the
 *   `Job` of a snapshot. `begin` has its events come; `changed`: the snapshot is not the newest any more.
 * @property {(tracked: TrackedJob) => void} release A job goes on without its tag.
 */

/** One tag on the present connection. */
class TagState {
  /** @type {Map<TrackedFollow, Map<string, SeenJob>>} Those who follow it → the jobs that each has had, by token. */
  entries = new Map();
  /** A `follow` has no answer yet. */
  asking = false;
  /** Another is to be sent when it has. */
  again = false;
  /** Whether the server has answered one. */
  answered = false;
}

/**
 * @typedef {object} SeenJob
 * @property {TrackedJob | null} tracked Null: it has ended, or is followed no longer.
 * @property {number} shown The number of its snapshot.
 * @property {boolean} changed The snapshot is not the newest any more.
 * @property {boolean} begun The page has taken it.
 * @property {number} end The number of its end; infinite: it has not ended.
 */

export class Follows {
  /** @type {Map<string, TagState>} */
  #tags = new Map();
  /** The newest time heard, ms by the store's clock; 0: none. */
  #newest = 0;
  #asking;

  /** @param {FollowAsking} asking */
  constructor(asking) {
    this.#asking = asking;
  }

  /** Whether no tag is followed. */
  get idle() {
    return this.#tags.size === 0;
  }

  /** @param {string} name Whether a tag is followed. */
  has(name) {
    return this.#tags.has(name);
  }

  /** @param {string} token Whether a tag that is followed brings the events of a job. */
  brings(token) {
    return [...this.#tags.values()].some((tag) => [...tag.entries.values()].some((seen) => seen.get(token)?.tracked));
  }

  /** @param {TrackedFollow} entry */
  add(entry) {
    const tag = this.#tags.get(entry.follow.tag) ?? new TagState();
    this.#tags.set(entry.follow.tag, tag);
    tag.entries.set(entry, new Map());
  }

  /**
   * Stops following for one of them, and at the server if it was the last; its jobs go on.
   *
   * @param {TrackedFollow} entry
   * @param {Problem} [problem] Why, if the page did not ask for it.
   */
  remove(entry, problem) {
    const { tag: name } = entry.follow;
    const tag = this.#tags.get(name);
    const seen = tag?.entries.get(entry);
    if (!tag || !seen) return;
    tag.entries.delete(entry);
    if (!tag.entries.size) this.#tags.delete(name);
    if (problem) entry.inlet.refused(problem);
    // First, because the server ends with a follow what is watched for its sake alone.
    for (const { tracked, begun } of seen.values()) if (tracked && begun) this.#asking.release(tracked);
    if (!tag.entries.size) this.#asking.unfollow(name);
  }

  /**
   * Asks for the jobs with a tag.
   *
   * @param {string} name
   * @param {number} [tries] Refusals so far of the kind that passes.
   */
  start(name, tries = 0) {
    const tag = this.#tags.get(name);
    if (!tag) return;
    tag.again = tag.asking;
    if (tag.asking) return;
    const [{ owner, since: asked }] = tag.entries.keys();
    const since = tag.answered && this.#newest ? new Date(this.#newest - OVERLAP_MS).toISOString() : asked;
    tag.asking = this.#asking.follow(name, { ...(owner !== undefined && { owner }), ...(since !== undefined && { since }) }, {
      answered: (frame) => this.#following(name, tag, frame),
      refused: (problem) => {
        tag.asking = false;
        if (PASSING.has(problem.code)) this.#asking.later(() => this.start(name, tries + 1), tries, problem);
        else this.end(name, problem);
      },
    });
  }

  /** Asks again for all that are followed, on another connection. */
  resume() {
    for (const name of this.#tags.keys()) this.start(name);
  }

  /** The connection is gone: snapshots that no job has begun with are not the newest any more. */
  interrupt() {
    for (const tag of this.#tags.values()) {
      tag.asking = tag.again = false;
      for (const seen of tag.entries.values()) for (const one of seen.values()) one.changed = true;
    }
  }

  /** @param {EventFrame} event */
  event({ token, seq, at }) {
    if (this.idle) return;
    this.#hear(at);
    this.#change(token, seq);
  }

  /** @param {Snapshot} snapshot One without a `ref`. */
  snapshot(snapshot) {
    this.#change(snapshot.token, snapshot.seq);
    for (const name of snapshot.tags ?? []) {
      for (const [entry, seen] of this.#tags.get(name)?.entries ?? []) this.#find(name, entry, seen, snapshot);
    }
  }

  /**
   * The grant of a tag is about to run out.
   *
   * @param {string} name
   * @param {Problem} problem
   */
  expiring(name, problem) {
    for (const { inlet } of [...(this.#tags.get(name)?.entries.keys() ?? [])]) inlet.expiring(problem);
  }

  /**
   * A tag is followed no longer.
   *
   * @param {string} name
   * @param {Problem} problem
   */
  end(name, problem) {
    for (const entry of [...(this.#tags.get(name)?.entries.keys() ?? [])]) this.remove(entry, problem);
  }

  /** @param {Problem} problem Why nothing will be heard of any tag again. */
  endAll(problem) {
    for (const name of [...this.#tags.keys()]) this.end(name, problem);
  }

  /**
   * @param {string} name
   * @param {TagState} tag
   * @param {Following} frame
   */
  #following(name, tag, frame) {
    tag.asking = false;
    tag.answered = true;
    this.#hear(frame.at);
    for (const entry of [...tag.entries.keys()]) {
      entry.since ??= frame.at;
      entry.inlet.following(frame);
    }
    if (tag.again) this.start(name);
  }

  /** @param {string | null} at */
  #hear(at) {
    const ms = at ? Date.parse(at) : NaN;
    if (ms > this.#newest) this.#newest = ms;
  }

  /**
   * @param {string} token
   * @param {number} seq
   */
  #change(token, seq) {
    for (const tag of this.#tags.values()) {
      for (const seen of tag.entries.values()) {
        const one = seen.get(token);
        if (one && !one.begun && seq > one.shown) one.changed = true;
      }
    }
  }

  /**
   * @param {string} name
   * @param {TrackedFollow} entry
   * @param {Map<string, SeenJob>} seen
   * @param {Snapshot} snapshot
   */
  #find(name, entry, seen, snapshot) {
    const { token, seq, status, milestones } = snapshot;
    const before = seen.get(token);
    if (before && seq <= before.end) return; // else it had ended, and an operator has replayed it
    const ended = TERMINAL.has(status) ? Date.parse(milestones?.finished ?? "") : NaN;
    if (ended < Date.parse(entry.since ?? "")) return; // it had ended before this follow began
    const { tracked, begin } = this.#asking.open(name, snapshot);
    /** @type {SeenJob} */
    const one = { tracked, shown: seq, changed: false, begun: false, end: Infinity };
    seen.delete(token);
    seen.set(token, one);
    if (seen.size > MOST_SEEN) this.#shed(seen);
    tracked.job.on("finished", (event) => Object.assign(one, { tracked: null, end: event.seq }));
    tracked.job.on("refused", () => { one.tracked = null; });
    entry.inlet.found({
      job: tracked.job,
      begin: () => {
        if (one.begun || !one.tracked) return;
        one.begun = true;
        begin(one.changed);
      },
    });
  }

  /** @param {Map<string, SeenJob>} seen Forgets the job that ended first, or, where none has, the oldest. */
  #shed(seen) {
    for (const [token, { tracked }] of seen) if (!tracked) return void seen.delete(token);
    const [token] = seen.keys();
    seen.delete(token);
  }
}
