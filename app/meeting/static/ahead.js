/** What comes next, asked for while nobody waits for anything: walking there then takes no time. */

import { listenTo } from "./events.js";

const LATER_MS = 1500;
const AGAIN_MS = 4000;
const MOST_TIMES = 3;

export class Ahead {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.page = `${viewer.exchange.page}-ahead`;
    this.seq = 0;
    this.timer = 0;
    this.times = 0; // how often this view was asked for
    this.wanted = /** @type {Wanted | null} */ (null);
    this.answer = /** @type {Answer | null} */ (null);
    this.stop = () => {};
    this.changed = () => {};
  }

  /** @param {Readonly<Linked> | null} state the view that comes next, if any */
  expect(state) {
    const wanted = state && wantedOf(state);
    if (JSON.stringify(wanted) === JSON.stringify(this.wanted)) return;
    this.end();
    this.wanted = wanted;
    this.answer = null;
    this.times = 0;
    if (wanted) this.later(LATER_MS);
  }

  later(/** @type {number} */ ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.viewer.questions.busy ? this.later(LATER_MS) : this.ask()), ms);
  }

  ask() {
    const { exchange } = this.viewer;
    this.seq += 1;
    this.times += 1;
    const wish = { page: this.page, seq: this.seq, wanted: this.wanted };
    const end = () => {
      this.stop = () => {};
      if (this.mayCome() && this.times < MOST_TIMES) this.later(AGAIN_MS);
    };
    this.stop = listenTo(exchange.host.root, "prepare", wish, { take: (told) => this.take(told), end });
  }

  take(/** @type {Answer} */ answer) {
    if (!this.wanted) return;
    if (answer.error) {
      this.times = MOST_TIMES;
      return;
    }
    this.answer = answer;
    fetchPictures(this.viewer, answer.panes.map(({ url }) => url));
    this.changed();
  }

  /** Whether asking again may bring more. */
  mayCome() {
    return this.answer?.panes.some(({ state }) => state === "waiting") ?? true;
  }

  isWhole() {
    return this.answer?.panes.every(({ state }) => state === "ready") ?? false;
  }

  /** What is known of a view beforehand; null where it is not all there. @param {Readonly<Linked>} state */
  answerTo(state) {
    return this.isWhole() && JSON.stringify(wantedOf(state)) === JSON.stringify(this.wanted) ? this.answer : null;
  }

  /** Nobody needs it any more: the server stops what it does for it. */
  end() {
    clearTimeout(this.timer);
    this.stop();
    if (this.wanted && this.seq && !this.isWhole()) this.viewer.exchange.host.server.cancel(this.page, (this.seq += 1));
    this.wanted = null;
  }
}

/** @param {Readonly<Linked>} state @returns {Wanted} */
export const wantedOf = ({ image, panes, bpp }) => ({ picture: image, panes, bpp });

/** @param {Viewer} viewer @param {string[]} urls as the server names them */
export function fetchPictures({ pictures, exchange }, urls) {
  for (const url of urls.filter(Boolean)) pictures.load(exchange.address(url)).catch(() => {});
}
