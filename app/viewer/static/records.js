/** What is known of each pane, and the picture that stands in until a new one is there. */

import { licenceOf } from "../../shared/phrases.js";
import { blendLabel } from "./blends.js";
import { OPENED, isCoded, isOpened } from "./opened.js";
import { baseOf, ratedLabel } from "./rated.js";

export class Records {
  /** @param {import("./pictures.js").Pictures} pictures @param {Catalogue} catalogue */
  constructor(pictures, catalogue) {
    this.pictures = pictures;
    this.catalogue = catalogue;
    this.panes = /** @type {Map<string, PaneRecord>} */ (new Map());
  }

  /** @param {string} id @returns {PaneRecord} */
  get(id) {
    const known = this.panes.get(id) ?? this.blank(id);
    this.panes.set(id, known);
    return known;
  }

  list(/** @type {readonly string[]} */ ids) {
    return ids.map((id) => this.get(id));
  }

  labelOf(/** @type {string} */ id) {
    const known = this.panes.get(id);
    if (known) return known.label;
    if (isOpened(id)) return OPENED;
    const base = baseOf(id);
    const chosen = this.catalogue.choices.find((one) => one.id === base);
    return ratedLabel(chosen?.label ?? blendLabel(base, this.catalogue.blends), id);
  }

  /** A pane's label with the licence of its weights, if they are not ours. @param {string} id */
  nameOf(id) {
    const licence = licenceOf(this.get(id));
    return licence ? `${this.labelOf(id)} (${licence})` : this.labelOf(id);
  }

  /** @param {string} id @param {PaneRecord["before"]} before @returns {PaneRecord} */
  blank(id, before = null) {
    return { id, label: this.labelOf(id), state: "waiting", bpp: null, bytes: null, url: "", before };
  }

  /** What a pane is called, before the server shows it. */
  name(/** @type {string} */ id, /** @type {string} */ label) {
    this.panes.set(id, { ...this.get(id), label });
  }

  /** A pane is about to take the place of another one, whose picture stands in until then. */
  follow(/** @type {string} */ id, /** @type {string} */ next) {
    this.panes.set(next, this.blank(next, this.pictureOf(id)));
  }

  /** The picture to paint for a pane: its own, or the last one it had. @param {string} id */
  pictureOf(id) {
    const record = this.panes.get(id);
    return record ? (this.pictures.peek(record.url) ?? record.before) : null;
  }

  /** Everything that was coded is out of date; what is on the screen stays until replaced. */
  outdate() {
    for (const id of this.panes.keys()) {
      if (isCoded(id)) this.panes.set(id, this.blank(id, this.pictureOf(id)));
    }
  }

  /** Take in what the server says of a pane; then its picture has either `come` or is `lost`.
   * @param {PaneAnswer & {words?: string, aside?: boolean}} pane @param {{come: () => void, lost: (url: string) => void}} then */
  take(pane, { come, lost }) {
    const { url } = pane;
    const old = this.panes.get(pane.id);
    const kept = old?.url === url ? { view: old.view } : {};
    const since = pane.begun ? (old?.since ?? performance.now()) : undefined;
    const forgotten = old && pane.error && isOpened(pane.id);
    const label = forgotten ? old.label : pane.label;
    /** @type {PaneRecord} */
    const record = { ...pane, ...kept, label, since, before: pane.error ? null : this.pictureOf(pane.id) };
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

  /** Metrics of what is in view, found by the server for these panes; more of the same view may follow. */
  takeView(/** @type {string[]} */ ids, /** @type {Found} */ found, /** @type {boolean} */ more) {
    for (const record of this.list(ids)) {
      const { metrics } = found[record.key ?? ""] ?? {};
      if (metrics) record.view = more ? { ...record.view, ...metrics } : metrics;
    }
  }

  /** A pane's record as its caption tells it: where all of the picture is in view, in the table's numbers,
   * as far as captions have them. @param {PaneRecord} record @param {boolean} whole */
  inCaption(record, whole) {
    if (!whole) return record;
    const told = this.catalogue.metrics.filter(({ key, in_view: shown }) => shown && key in (record.metrics ?? {}));
    return { ...record, view: Object.fromEntries(told.map(({ key }) => [key, record.metrics?.[key] ?? 0])) };
  }

  /** What was found of another part of the picture is no number of this one. */
  forgetView() {
    for (const record of this.panes.values()) delete record.view;
  }

  /** Whoever still waits, of some or of all, will wait in vain. */
  fail(/** @type {string} */ words, /** @type {readonly string[]} */ ids = [...this.panes.keys()]) {
    for (const record of this.list(ids)) {
      if (record.state === "waiting") Object.assign(record, { state: "failed", error: words });
    }
  }
}
