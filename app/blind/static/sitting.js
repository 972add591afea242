/** One rater's answers, kept in the browser so that a reload goes on where it was. Pure. */

import { recall, remember } from "../../shared/storage.js";

const MOST = 120;
const LARGEST = { seconds: 86_400, flips: 100_000, zoom: 64, ratio: 16 };

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
    this.known = recall(storage, this.place);
    const { rater, answers } = read(this.known);
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

  /** Whether another tab has gone on with this test; its answers are then the ones that count. */
  moved() {
    const text = recall(this.storage, this.place);
    if (!text || text === this.known) return false;
    const { rater, answers } = read(text);
    if (rater !== this.rater) return answers.length > 0; // another rater's answers stay what they are
    this.known = text;
    this.answers = answers;
    return true;
  }

  /** Whether this browser is that rater now; not where another tab has answered as another one.
   * @param {string} rater */
  join(rater) {
    if (this.moved() && !this.answers.length) return false;
    if (rater !== this.rater) this.answers = [];
    this.rater = rater;
    this.keep();
    return true;
  }

  /** Whether the answer was taken; not where another tab has moved on. @param {BlindAnswer} answer */
  take(answer) {
    if (this.moved()) return false;
    this.answers = [...this.answers, within(answer)];
    this.keep();
    return true;
  }

  /** The last answer is taken back, unless another tab has moved on. */
  undo() {
    if (this.moved()) return false;
    this.answers = this.answers.slice(0, -1);
    this.keep();
    return true;
  }

  /** The answers without any name of what they are about: for the host, whose page knows these. */
  sealed() {
    return JSON.stringify({ test: this.test, rater: this.rater, answers: this.answers });
  }

  keep() {
    const { rater, answers } = this;
    remember(this.storage, this.place, JSON.stringify({ rater, answers }));
    this.known = recall(this.storage, this.place); // a full storage still has what was there before
  }
}

/** The answer with no number above what the server takes. @param {BlindAnswer} answer */
function within(answer) {
  const most = Object.entries(LARGEST).map(([name, limit]) => [name, Math.min(answer[/** @type {keyof typeof LARGEST} */ (name)], limit)]);
  return { ...answer, ...Object.fromEntries(most.filter(([, value]) => !Number.isNaN(value))) };
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
