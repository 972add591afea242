/** The viewer: one state, changed in one place; everything else on the page follows from it. */

import { onLink, stepAside, writeLink } from "../../shared/address.js";
import { find } from "../../shared/dom.js";
import { hear } from "../../shared/messages.js";
import { storageOf } from "../../shared/storage.js";
import { actionsOf } from "./actions.js";
import { listenToArrivals } from "./arrivals.js";
import { openPoint } from "./coding.js";
import { Beside } from "./beside.js";
import { Choosing } from "./choosing.js";
import { listenToControls, showAnchor, showControls, showRate, showZoom } from "./controls.js";
import { Exchange } from "./exchange.js";
import { Figuring } from "./figuring.js";
import { isWhole, seenView, settle, visibleRegion } from "./geometry.js";
import { listenToGestures } from "./gestures.js";
import { listenToFiles } from "./intake.js";
import { fillHelp, listenToKeys } from "./keys.js";
import { Large } from "./large.js";
import { mounted } from "./mounted.js";
import { Pictures } from "./pictures.js";
import { announceResult, promisedState } from "./promises.js";
import { Questions } from "./questions.js";
import { Recents } from "./recents.js";
import { Records } from "./records.js";
import { Sizing } from "./sizing.js";
import { Stage } from "./stage.js";
import { NOTHING, ORIGINAL, changed, isStep, readLink, remarkOn, shareOf } from "./state.js";
import { fillNumbers } from "./table.js";
import { measureCurve } from "./tours.js";
import { takeFiles } from "./uploads.js";
import { Words } from "./words.js";

const LINK_MS = 250;

export function mountViewer(/** @type {ViewerHost} */ host) {
  const viewer = new Viewer(find(host.element, "#viewer"), host);
  listen(viewer);
  listenToArrivals(viewer, host);
  viewer.start(host.first);
  host.watch((value) => viewer.questions.receive(value));
  mounted.tell(viewer);
  dispatchEvent(new Event("mounted"));
  return viewer;
}

export class Viewer {
  constructor(/** @type {HTMLElement} */ root, /** @type {ViewerHost} */ host) {
    this.root = root;
    this.catalogue = { ...host.catalogue }; // Gradio's own stays as it is
    this.share = shareOf(host.catalogue);
    this.state = NOTHING;
    this.pins = /** @type {Map<string, number[][]>} */ (new Map()); // of pictures that were open before
    this.linking = 0;
    this.linked = NOTHING; // what the address says
    this.touring = false; // through several rates, none of which is the visitor's choice
    this.led = false; // by whoever leads a meeting
    this.watchers = /** @type {Set<() => void>} */ (new Set()); // told of whatever changes on the screen
    this.measured = "";
    this.whole = false; // whether all of the picture is in view
    this.words = new Words(root);
    this.recents = new Recents(storageOf("sessionStorage"));
    this.beside = new Beside(this);
    this.sizing = new Sizing(this);
    this.figuring = new Figuring(this, storageOf("localStorage"));
    this.chooseFiles = (/** @type {boolean} */ _) => {};
    this.large = new Large(this, storageOf("localStorage"));
    this.choosing = choosingsOf(this);
    this.pictures = new Pictures();
    this.records = new Records(this.pictures, this.catalogue);
    this.exchange = new Exchange(host);
    this.questions = new Questions(this);
    this.stage = new Stage(this);
    this.actions = actionsOf(this);
  }

  /** Open what the address asks for, or else the picture that the server has ready. @param {Answer} first */
  start(first) {
    const linked = readLink(this.share, location.hash, this.catalogue);
    const image = linked.image || first.image;
    const left = remarkOn(location.hash, this.catalogue);
    this.set({ ...linked, image, name: this.recents.get(image)?.name ?? "" });
    const fits = first.image === this.state.image && first.bpp === this.state.bpp;
    if (fits) this.questions.adopt({ ...first, done: false }); // what it does not show is asked for
    const { panes } = this.state;
    const waits = this.records.list(panes).some((one) => one.state === "waiting");
    if (waits || !panes.length) return this.questions.ask(left);
    this.words.note(left);
    this.tellResult();
  }

  /** The one place where the state changes; the page follows. Where it `moved` only, no more is done
   * than must be: that happens for every frame of a drag.
   * @param {Partial<State>} change */
  set(change, moved = false) {
    this.state = changed(this.state, change);
    if (!moved) return this.render();
    this.stage.paint();
    showZoom(this);
    this.tellState();
  }

  /** The state as it is on the screen: its view is a wish, which the frame settles. */
  get seen() {
    const front = this.stage.front();
    return front ? { ...this.state, ...seenView(this.state, front) } : this.state;
  }

  setView(/** @type {View} */ view) {
    const front = this.stage.front();
    this.set(front ? settle(view, front) : view, true);
  }

  render() {
    this.root.classList.toggle("bare", !this.state.captions);
    this.stage.show();
    if (this.settleView()) return;
    showControls(this);
    this.words.tellCredit(this.sample(), this.state.notes);
    fillNumbers(this);
    this.tellState();
  }

  /** A picture that has no place yet opens at its hand-picked crop, or whole. */
  settleView() {
    if (this.state.scale || this.state.fit || !this.stage.front()) return false;
    const [spot] = this.spots();
    if (spot) this.set({ cx: spot[1], cy: spot[2], scale: spot[3] });
    else this.set({ fit: true });
    return true;
  }

  /** Frames have a size now, or another one. */
  resized() {
    if (this.settleView()) return;
    showZoom(this);
    this.tellState();
  }

  tellState() {
    this.root.dataset.state = promisedState(this.seen, this.records.list(this.state.panes));
    this.large.show();
    this.beside.show();
    this.measure();
    clearTimeout(this.linking);
    this.linking = setTimeout(() => this.writeAddress(), LINK_MS);
    this.noticed();
  }

  noticed() {
    for (const told of this.watchers) told();
  }

  /** Another picture, rate, view mode or set of panes is a step of its own on the way back. */
  writeAddress() {
    if (this.state.file) return;
    writeLink(this, isStep(this.linked, this.state, this.catalogue));
    this.linked = this.state;
  }

  tellResult() {
    const { image, panes } = this.state;
    announceResult(image, this.questions.coded([...new Set([...panes, ...(this.questions.others ?? [])])]));
  }

  sample() {
    return this.catalogue.samples.find(({ id }) => id === this.state.image);
  }

  /** Crops worth a look: hand-picked ones, then the user's pins. */
  spots() {
    const pins = this.state.pins.map(([cx, cy, scale], i) => /** @type {Spot} */ ([`pin ${i + 1}`, cx, cy, scale]));
    return [...(this.sample()?.spots ?? []), ...pins];
  }

  /** Ask for the metrics of what is in view, when that has changed. */
  measure() {
    const front = this.stage.front();
    if (!front || this.state.file) return;
    const region = visibleRegion(this.seen, front);
    const coded = this.questions.coded();
    const keys = coded.map(({ key = "" }) => key);
    const question = JSON.stringify([region, keys]);
    if (question === this.measured) return;
    this.measured = question;
    const ids = coded.map(({ id }) => id);
    const before = this.whole;
    this.whole = isWhole(region, front.picture);
    if (before && !this.whole) this.records.forgetView();
    if (before !== this.whole || this.whole) this.stage.describe();
    // The whole picture is measured already, for the table; two numbers for one thing would be one too many.
    // In a meeting who leads it has them measured, for all.
    if (this.whole || this.led) return this.exchange.forgetRegion();
    this.exchange.measure(this.state.image, keys, region, (found, more) => {
      this.records.takeView(ids, found, more);
      this.stage.describe();
    });
  }

  /** Show what an address asks for; `given` is what the server has said of it already.
   * @param {string} hash @param {Answer | null} [given] @param {Partial<State>} [more] what no address holds */
  follow(hash, given = null, more = {}) {
    const linked = readLink(this.share, hash, this.catalogue);
    this.sizing.dialog.close(); // what it asked about may be gone
    this.figuring.dialog.close();
    const { state: before, questions } = this;
    const image = linked.image || before.image;
    const left = remarkOn(hash, this.catalogue);
    const gone = image !== before.image;
    if (gone) this.clear();
    const name = this.recents.get(image)?.name ?? "";
    const change = { ...linked, ...more, image, file: "", ...(gone && { size: null, name }) };
    this.linked = changed(before, change); // the address says so already: nothing new to go back to
    const anew = gone || linked.bpp !== before.bpp;
    if (given) return questions.take(given, change, anew);
    if (anew) return questions.refresh(change, left);
    this.set(change);
    if (linked.panes.join() !== before.panes.join()) questions.ask(left);
    else this.words.note(left);
  }

  /** Nothing that was known of the last picture holds for the next one. */
  clear() {
    this.records.panes.clear();
    this.exchange.forgetRegion();
    this.measured = "";
  }

  /** Another picture, with what was made of it elsewhere. @param {string} image @param {Facts[]} more */
  openPicture(image, name = "", more = [], aside = "") {
    const own = this.beside.panesFor(image, this.state.file ? [] : this.state.panes);
    const ids = more.map(({ id }) => id).filter((id) => !own.includes(id));
    const all = ids.length && !own.length ? [ORIGINAL, ...ids] : [...own, ...ids];
    this.replace(image, name, all.slice(0, this.catalogue.limits.panes));
    for (const { id, label } of more) this.records.name(id, label);
    this.questions.ask(aside);
  }

  /** Another picture takes the place of this one; `file` says which file it is in, if in one. */
  replace(/** @type {string} */ image, /** @type {string} */ name, /** @type {string[]} */ panes, file = "") {
    if (file && !this.state.file) {
      this.writeAddress();
      stepAside(); // so that Back leads from the file to what was there before it
    }
    this.clear();
    this.choosing.rate.end();
    this.choosing.anchor.end();
    this.pins.set(this.state.image, this.state.pins);
    this.set({ image, name, panes, file, size: null, scale: 0, pins: this.pins.get(image) ?? [] });
  }
}

/** What is told while it is being chosen. @param {Viewer} viewer */
const choosingsOf = (viewer) => ({
  rate: new Choosing(
    viewer.catalogue.limits.bpp, () => viewer.state.bpp, () => showRate(viewer), (bpp) => viewer.actions.setRate(bpp),
  ),
  anchor: new Choosing(
    [0, 1], () => viewer.state.anchor, () => showAnchor(viewer), (place) => viewer.actions.setAnchor(place),
  ),
});

/** Connect everything on the page that changes the state. @param {Viewer} viewer */
function listen(viewer) {
  const { root, stage, actions } = viewer;
  listenToControls(viewer);
  listenToKeys(stage.root, actions);
  viewer.chooseFiles = listenToFiles(root, (files, asPanes) => actions.takeList?.(files) || takeFiles(viewer, files, asPanes));
  listenToGestures(viewer);
  fillHelp(find(root, "dialog.help dl"));
  onLink(viewer);
  hear("mode:open-point", root, (point) => openPoint(viewer, point));
  hear("mode:take-files", root, ({ files }) => {
    root.scrollIntoView({ block: "start" });
    takeFiles(viewer, files);
  });
  hear("mode:measure-curve", root, (which) => measureCurve(viewer, which));
  hear("mode:ask-result", root, () => viewer.tellResult());
}
