/** Talking to the server: comparisons through the queue, metrics of what is in view beside it. */

import { boxOf } from "./geometry.js";

const PAUSE_MS = 180;

/** Asks for comparisons; only answers to the newest question are let through. */
export class Exchange {
  constructor(/** @type {ViewerHost} */ host) {
    this.host = host;
    this.page = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    this.seq = 0; // of the newest question; an answer to an older one is not wanted
    this.asked = 0;
    this.timer = 0;
  }

  /** A new question is about to be asked: nobody waits for the last one any more. */
  forget() {
    this.seq += 1;
  }

  /** `request` a comparison, or `open` a file. @param {"request" | "open"} how @param {object} detail */
  ask(how, detail) {
    this.host[how]({ page: this.page, seq: this.seq, ...detail });
  }

  /** End what was asked before, on the server too. */
  cancel() {
    this.host.server.cancel(this.page, this.seq);
  }

  isNewest(/** @type {Answer} */ answer) {
    return answer.page === this.page && answer.seq === this.seq;
  }

  /** Absolute address of something the server named relative to the page. @param {string} relative */
  address(relative) {
    return new URL(relative, this.host.root).href;
  }

  /** Send something to mode/photo, file, pane, view, collection, table or figure; resolves to the answer, or to {error}.
   * @param {string} where @param {Blob | FormData | string} body @param {AbortSignal} [signal] nobody waits any more
   * @returns {Promise<Sent>} */
  async send(where, body, signal) {
    try {
      const answer = await fetch(this.address(`mode/${where}`), { method: "POST", body, signal });
      const isFile = !answer.headers.get("content-type")?.startsWith("application/json");
      return isFile && answer.ok ? { blob: await answer.blob() } : await answer.json();
    } catch {
      return { error: "the server did not answer; is it still running?" };
    }
  }

  /** Whether the server still has a picture or a file; where it does not answer, asking for it will tell.
   * @param {string} key @param {"png" | "mode"} ending */
  async holds(key, ending) {
    const answer = await fetch(this.address(`mode/media/${encodeURIComponent(key)}.${ending}`), { method: "HEAD" }).catch(() => null);
    return answer?.status !== 404;
  }

  /** What the server says of its weights, if that is not what it said before. @param {string} seen
   * @returns {Promise<News | null>} */
  async news(seen) {
    const answer = await fetch(this.address(`mode/catalogue?seen=${seen}`)).catch(() => null);
    return answer?.status === 200 ? answer.json() : null;
  }

  /** What is being measured belongs to a picture that is gone. */
  forgetRegion() {
    clearTimeout(this.timer);
    this.asked += 1;
  }

  /** Metrics of the region once the view has come to rest: the quick ones first, then `more`.
   * @param {string} picture @param {string[]} keys @param {Region} region
   * @param {(found: Found, more: boolean) => void} take */
  measure(picture, keys, region, take) {
    this.forgetRegion();
    const mine = this.asked;
    if (!keys.length || !region.width || !region.height) return;
    this.timer = setTimeout(async () => {
      for (const slow of [false, true]) {
        const found = await this.host.server.region(picture, keys, boxOf(region), slow);
        if (mine !== this.asked) return;
        if (found) take(found, slow);
      }
    }, PAUSE_MS);
  }
}
