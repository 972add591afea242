/** Pictures that take long here: the visitor chooses whether to code what is in view, a smaller copy, or all. */

import { find } from "../../shared/dom.js";
import { recall, remember } from "../../shared/storage.js";
import { boxOf, isWhole, visibleRegion } from "./geometry.js";
import { aboutText, secondsFor } from "./pace.js";
import { atRate, ownRateOf } from "./rated.js";

const PLACE = "mode-large-pictures";
const REMEMBERED = ["scaled", "whole"]; // a part is chosen anew for each picture

/** @typedef {{key: string, name: string, size: Size}} Whole */

export class Large {
  /** @param {Viewer} viewer @param {Keeps | null} storage */
  constructor(viewer, storage) {
    this.viewer = viewer;
    this.storage = storage;
    this.root = find(viewer.root, ".large");
    this.pace = /** @type {Pace} */ ({});
    this.wholes = /** @type {Map<string, Whole>} */ (new Map());
    this.parts = /** @type {Map<string, {whole: Whole, choice: string}>} */ (new Map());
    this.agreed = /** @type {Set<string>} */ (new Set());
    this.asked = ""; // the picture whose visitor is yet to choose
  }

  /** Whether the picture on the screen waits for the visitor's choice. */
  get asks() {
    return this.asked === this.viewer.state.image;
  }

  /** The large picture that is on the screen, or that what is on the screen was made of. */
  get whole() {
    const { image } = this.viewer.state;
    return this.wholes.get(image) ?? this.parts.get(image)?.whole;
  }

  /** The server asks before it codes all of this picture. @param {Pace} pace */
  offer(pace) {
    const { image, name, size } = this.viewer.state;
    const again = this.wholes.has(image); // whoever comes back to it would be sent away again, and chooses anew
    if (size) this.wholes.set(image, { key: image, name: name || (this.viewer.sample()?.title ?? ""), size });
    this.pace = pace;
    const remembered = recall(this.storage, PLACE);
    if (!again && REMEMBERED.includes(remembered)) return this.take(remembered);
    this.asked = image;
    this.viewer.render();
    this.viewer.words.tell("Shown, and not coded yet: choose above how much of it to code.");
  }

  /** Code as much as was chosen. @param {string} choice */
  async take(choice) {
    const { whole, viewer } = this;
    if (!whole) return;
    if (choice === "part" || choice === "another") viewer.stage.focus(); // one button takes the other's place
    if (choice === "another") return this.chooseAnother(whole);
    const { image } = viewer.state;
    const region = this.region(); // before anything else moves
    remember(this.storage, PLACE, choice);
    if (choice === "whole") return this.codeAll(whole);
    const box = choice === "part" && region ? { box: boxOf(region) } : {};
    viewer.words.tell("Preparing…");
    const { key = "", error } = await viewer.exchange.send("part", JSON.stringify({ picture: whole.key, ...box }));
    if (viewer.state.image !== image) return; // another one was opened meanwhile
    if (error) return viewer.words.tell(error, true);
    this.parts.set(key, { whole, choice });
    viewer.openPicture(key, `${whole.name || "picture"}, ${choice === "part" ? "part" : "smaller"}`);
  }

  codeAll(/** @type {Whole} */ { key, name }) {
    const { viewer } = this;
    this.agreed.add(key);
    if (viewer.state.image === key) viewer.questions.ask();
    else viewer.openPicture(key, name);
  }

  chooseAnother(/** @type {Whole} */ { key, name }) {
    this.agreed.delete(key);
    this.viewer.openPicture(key, name);
  }

  /** What of the large picture is in view; null where that is not on the screen. */
  region() {
    const front = this.viewer.stage.front();
    return front && this.wholes.has(this.viewer.state.image) ? visibleRegion(this.viewer.seen, front) : null;
  }

  /** Bring the bar up to date: what can be chosen, and what each would take here. */
  show() {
    const { whole, root, viewer } = this;
    root.hidden = !whole;
    if (!whole) return;
    const { width, height } = whole.size;
    const chosen = this.parts.get(viewer.state.image)?.choice ?? (this.agreed.has(whole.key) ? "whole" : "");
    find(root, ".large-size").textContent = `${width} × ${height} pixels`;
    const region = this.region();
    const all = !region || isWhole(region, whole.size);
    const { scaled } = viewer.catalogue.limits;
    const label = (/** @type {string} */ words, /** @type {number} */ pixels) =>
      `${words} ${aboutText(this.seconds(pixels))}`.trim();
    const part = region && !all ? label(`This view, ${region.width} × ${region.height}`, region.width * region.height) : "This view";
    this.button("part", part, chosen, { hidden: !region, disabled: all, title: all ? "Zoom in first: all of it is in view" : "" });
    this.button("another", "Another part", chosen, { hidden: Boolean(region) });
    this.button("scaled", label(`${scaled / 1e6} megapixel`, scaled), chosen);
    this.button("whole", label("All of it", width * height), chosen);
  }

  /** @param {string} choice @param {string} text @param {string} chosen @param {Partial<HTMLButtonElement>} [more] */
  button(choice, text, chosen, more = {}) {
    const button = find(this.root, `[data-kind=${choice}]`, HTMLButtonElement);
    Object.assign(button, more, { ariaPressed: String(choice === chosen) });
    if (button.textContent !== text) button.textContent = text;
  }

  /** What the codecs on the screen take for so many pixels, if that is known. @param {number} pixels */
  seconds(pixels) {
    const { records, state } = this.viewer;
    const files = /** @type {Map<string, {codec: string, pictures: number}>} */ (new Map());
    for (const { codec, id } of records.list(state.panes)) {
      if (!codec) continue;
      const file = atRate(codec, ownRateOf(id) ?? state.bpp);
      files.set(file, { codec, pictures: (files.get(file)?.pictures ?? 0) + 1 });
    }
    return secondsFor(this.pace, [...files.values()], pixels);
  }
}
