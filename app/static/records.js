/** What is known of each pane, and the picture that stands in until a new one is there. */

/** @typedef {{id: string, label: string, state: string, url: string, before: object | null}} Pane */

export class Records {
  constructor(pictures, choices) {
    this.pictures = pictures;
    this.choices = choices;
    /** @type {Map<string, Pane>} */
    this.panes = new Map();
  }

  get(id) {
    if (!this.panes.has(id)) this.panes.set(id, this.blank(id));
    return this.panes.get(id);
  }

  has(id) {
    return this.panes.has(id);
  }

  list(ids) {
    return ids.map((id) => this.get(id));
  }

  clear() {
    this.panes.clear();
  }

  labelOf(id) {
    const known = this.panes.get(id) ?? this.choices.find((one) => one.id === id);
    return known?.label ?? (id.startsWith("mode-") ? `MoDE ${id.slice(5)}` : id);
  }

  /** A pane's label with the licence of its weights, if they are not ours. */
  nameOf(id) {
    const { licence } = this.get(id);
    return licence ? `${this.labelOf(id)} (weights: ${licence})` : this.labelOf(id);
  }

  blank(id, before = null) {
    const label = this.labelOf(id);
    return { id, label, state: "waiting", bpp: null, bytes: null, url: "", before };
  }

  /** The picture to paint for a pane: its own, or the last one it had. */
  pictureOf(id) {
    const record = this.panes.get(id);
    return record ? (this.pictures.peek(record.url) ?? record.before) : null;
  }

  /** Everything but the original is out of date; what is on the screen stays until replaced. */
  outdate() {
    for (const id of this.panes.keys()) {
      if (id !== "original") this.panes.set(id, this.blank(id, this.pictureOf(id)));
    }
  }

  /** Take in what the server says of a pane; then its picture has either `come` or is `lost`. */
  take(pane, url, { come, lost }) {
    const old = this.panes.get(pane.id);
    const before = pane.error ? null : this.pictureOf(pane.id);
    const kept = old?.url === url ? { view: old.view } : {};
    const record = { ...pane, ...kept, url, before };
    this.panes.set(pane.id, record);
    if (!url || this.pictures.peek(url)) return;
    const arrived = () => {
      record.before = null;
      come();
    };
    this.pictures.load(url).then(arrived, () => {
      record.state = "failed";
      record.error = "the picture could not be fetched; reload the page";
      lost(url);
    });
  }

  /** Metrics of what is in view, found by the server for these panes. */
  takeView(ids, found) {
    for (const record of this.list(ids)) {
      const { metrics } = found[record.key] ?? {};
      if (metrics) record.view = "psnr" in metrics ? metrics : { ...record.view, ...metrics };
    }
  }

  /** Whoever still waits, of some or of all, will wait in vain. */
  fail(words, ids = [...this.panes.keys()]) {
    for (const record of this.list(ids)) {
      if (record.state === "waiting") Object.assign(record, { state: "failed", error: words });
    }
  }
}
