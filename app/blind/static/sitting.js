/** One rater's answers, kept in the browser so that a reload goes on where it was. Pure. */

import { recall, remember } from "../../shared/storage.js";

const MOST = 120;

/** Counts the seconds in which somebody can look. */
export class Watch {
  constructor() {
    this.passed = 0;
    this.since = /** @type {number | null} */ (null);
  }

  go(/** @type {number} */ now) {
    this.since ??= now;
  }

  stop(/** @type {number} */ now) {
    if (this.since !== null) this.passed += now - this.since;
    this.since = null;
  }

  seconds(/** @type {number} */ now) {
    const running = this.since === null ? 0 : now - this.since;
    return Math.round((this.passed + running) / 100) / 10;
  }
}

export class Sitting {
  /** @param {string} test @param {Keeps | null} storage */
  constructor(test, storage) {
    this.test = test;
    this.storage = storage;
    const { rater, answers } = read(recall(storage, this.place));
    this.rater = rater;
    this.answers = answers;
  }

  get place() {
    return `mode-blind-${this.test}`;
  }

  /** The number of the trial that comes next, from 0. */
  get next() {
    return this.answers.length;
  }

  join(/** @type {string} */ rater) {
    if (rater !== this.rater) this.answers = [];
    this.rater = rater;
    this.keep();
  }

  take(/** @type {BlindAnswer} */ answer) {
    this.answers = [...this.answers, answer];
    this.keep();
  }

  /** The last answer is taken back. */
  undo() {
    this.answers = this.answers.slice(0, -1);
    this.keep();
  }

  /** The answers without any name of what they are about: for the host, whose page knows these. */
  sealed() {
    return JSON.stringify({ test: this.test, rater: this.rater, answers: this.answers });
  }

  keep() {
    const { rater, answers } = this;
    remember(this.storage, this.place, JSON.stringify({ rater, answers }));
  }
}

/** What an earlier page has kept, as far as it makes sense. @param {string} text
 * @returns {{rater: string, answers: BlindAnswer[]}} */
function read(text) {
  try {
    const { rater, answers } = JSON.parse(text);
    if (typeof rater === "string" && Array.isArray(answers)) return { rater, answers: answers.slice(0, MOST) };
  } catch {
    // nothing was kept, or something else
  }
  return { rater: "", answers: [] };
}
