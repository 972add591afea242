/** Talking to the server: comparisons through the queue, metrics of what is in view beside it. */

const PAUSE_MS = 180;

/** Asks for comparisons; only answers to the newest question are let through. */
export class Exchange {
  constructor({ request, open, server, root }) {
    Object.assign(this, { request, open, server, root });
    this.page = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    this.seq = 0; // of the newest question; an answer to an older one is not wanted
    this.asked = 0;
  }

  /** A new question is about to be asked: nobody waits for the last one any more. */
  forget() {
    this.seq += 1;
  }

  compare(picture, panes, bpp) {
    this.request({ page: this.page, seq: this.seq, picture, panes, bpp });
  }

  openFile(key, panes) {
    this.open({ page: this.page, seq: this.seq, key, panes });
  }

  isNewest(value) {
    return value.page === this.page && value.seq === this.seq;
  }

  /** Absolute address of something the server named relative to the page. */
  address(relative) {
    return new URL(relative, this.root).href;
  }

  /** Send a file to /mode/photo or /mode/file; resolves to the answer or to {error}. */
  async send(kind, file) {
    try {
      const answer = await fetch(this.address(`mode/${kind}`), { method: "POST", body: file });
      return await answer.json();
    } catch {
      return { error: "the server did not answer; is it still running?" };
    }
  }

  /** The table as text, or a figure as a blob; {error} if it cannot be had. */
  async takeAway(what, wish) {
    const body = JSON.stringify(wish);
    try {
      const answer = await fetch(this.address(`mode/${what}`), { method: "POST", body });
      return what === "figure" && answer.ok ? { blob: await answer.blob() } : await answer.json();
    } catch {
      return { error: "the server did not answer; is it still running?" };
    }
  }

  /** What is being measured belongs to a picture that is gone. */
  forgetRegion() {
    clearTimeout(this.timer);
    this.asked += 1;
  }

  /** Metrics of the region once the view has come to rest; `take(found)` gets them by key. */
  measure(picture, keys, region, take) {
    clearTimeout(this.timer);
    const mine = ++this.asked;
    const box = [region.x, region.y, region.width, region.height];
    if (!keys.length || !box[2] || !box[3]) return;
    this.timer = setTimeout(async () => {
      for (const perceptual of [false, true]) {
        const found = await this.server.region(picture, keys, box, perceptual);
        if (mine !== this.asked) return;
        if (found) take(found);
      }
    }, PAUSE_MS);
  }
}
