/** The list of crops as this tab has it, and where in it one stands. */

import { clamp } from "../../shared/arithmetic.js";
import { recall, remember, storageOf } from "../../shared/storage.js";
import { readLink } from "../../viewer/static/state.js";
import { Ahead } from "./ahead.js";
import { fromFile, hashOf, toFile, viewOf } from "./crops.js";

const PLACE = "mode-crops";
const NO_FILE = "A .mode file cannot be in a list; open its photo";

export class Walk {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.storage = storageOf("sessionStorage");
    this.crops = fromFile(recall(this.storage, PLACE) || toFile([]), viewer.share).crops;
    this.at = -1;
    this.ahead = new Ahead(viewer);
    this.changed = () => {};
  }

  /** The crop that is talked about: one stays at it while one moves about in its picture. */
  get current() {
    const crop = this.crops[this.at];
    return crop && this.viewer.share.read(crop.view).image === this.viewer.state.image ? crop : null;
  }

  /** Another list, or the same in another order. @param {readonly Crop[]} crops */
  take(crops, at = this.at) {
    this.crops = [...crops];
    this.at = at < crops.length ? at : -1;
    remember(this.storage, PLACE, toFile(crops));
    this.changed();
  }

  step(/** @type {number} */ way) {
    const { crops, at } = this;
    const next = at < 0 ? 0 : clamp(at + way, 0, crops.length - 1);
    if (next === at && this.current) return this.viewer.words.tell(way > 0 ? "This is the last crop" : "This is the first crop");
    this.go(next);
  }

  go(/** @type {number} */ at) {
    const { viewer } = this;
    const state = this.stateAt(at);
    if (!state) return;
    viewer.actions.endFlip();
    viewer.pins.set(viewer.state.image, viewer.state.pins);
    const pins = viewer.pins.get(state.image) ?? [];
    const given = this.ahead.answerTo(state);
    this.at = at;
    viewer.follow(hashOf(this.crops[at].view, { ...viewer.state, pins }, viewer.share), given);
    if (given) viewer.questions.ask(); // for the numbers that nobody has measured yet
    viewer.words.tell(`Crop ${at + 1} of ${this.crops.length}: ${this.crops[at].name}`);
    this.changed();
  }

  /** @param {number} at */
  stateAt(at) {
    const { share, catalogue } = this.viewer;
    const crop = this.crops[at];
    return crop ? readLink(share, crop.view, catalogue) : null;
  }

  /** Have what comes after this ready. */
  prepare(/** @type {boolean} */ walking) {
    this.ahead.expect(walking ? this.stateAt(this.at + 1) : null);
  }

  /** What is on the screen as a crop, or words why not. @returns {{crop?: Crop, words: string}} */
  seen() {
    const { viewer } = this;
    if (viewer.state.file) return { words: NO_FILE };
    return { crop: { name: this.title(viewer.state.image), note: "", view: viewOf(viewer.seen, viewer.share) }, words: "" };
  }

  /** All pins, those of pictures that were open before as well, in the panes and mode of now. */
  pinned() {
    const { viewer } = this;
    if (viewer.state.file) return [];
    const all = new Map([...viewer.pins, [viewer.state.image, viewer.state.pins]]);
    return [...all].flatMap(([image, pins]) =>
      pins.map(([cx, cy, scale], i) => ({
        name: `${this.title(image)}, pin ${i + 1}`,
        note: "",
        view: viewOf({ ...viewer.state, image, cx, cy, scale, fit: false }, viewer.share),
      })),
    );
  }

  /** @param {string} image */
  title(image) {
    const sample = this.viewer.catalogue.samples.find(({ id }) => id === image);
    return (sample?.title ?? this.viewer.recents.get(image)?.name) || "My picture";
  }
}
