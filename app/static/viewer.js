/** The viewer: one state object, everything else on the page follows from it. */

import { actionsOf } from "./actions.js";
import { listenToControls, showControls, showZoom } from "./controls.js";
import { Exchange } from "./exchange.js";
import { clamp, settle } from "./geometry.js";
import { listenToGestures, listenToMinimap } from "./gestures.js";
import { Trial, listenToFiles } from "./intake.js";
import { fillHelp, listenToKeys } from "./keys.js";
import { fillNumbers } from "./numbers.js";
import { Pictures } from "./pictures.js";
import { announceResult, promisedState } from "./promises.js";
import { Records } from "./records.js";
import { Stage } from "./stage.js";
import { LINK, START, chosenBeside, mendPairs, readLink } from "./state.js";
import { Words } from "./words.js";

const NEED_ORIGINAL = ["psnr", "ms_ssim", "lpips", "dists"];
const NO_ORIGINAL = Object.fromEntries(
  NEED_ORIGINAL.map((name) => [name, "a .mode file brings no original to measure against"]),
);
const LINK_MS = 250;
const ASK_MS = 60;

/** @param host {element, catalogue, first, root, request, open, server, watch} */
export function mountViewer(host) {
  const root = host.element.querySelector("#viewer");
  const viewer = new Viewer(root, host);
  viewer.start(host.first);
  host.watch((value) => viewer.receive(value));
  return viewer;
}

class Viewer {
  constructor(root, host) {
    this.root = root;
    this.catalogue = host.catalogue;
    this.state = { ...START };
    this.extra = { flipping: false, name: "" };
    this.size = null;
    this.chosen = []; // panes, when nobody named any
    this.pins = new Map(); // of pictures that were open before
    this.notes = [];
    this.lost = new Set();
    this.trial = new Trial(this);
    this.words = new Words(root);
    this.pictures = new Pictures();
    this.records = new Records(this.pictures, host.catalogue.choices);
    this.exchange = new Exchange(host);
    this.stage = new Stage(root.querySelector(".stage"), this.records, {
      hold: (id) => this.stage.hold(id),
      swap: (id, next) => this.actions.swap(id, next),
      close: (id) => this.actions.close(id),
      resized: () => this.resized(),
      exactness: (exact) => this.words.tellExactness(exact),
    });
    this.actions = actionsOf(this);
    this.listen();
  }

  listen() {
    listenToControls(this.root, this.actions);
    listenToKeys(this.stage.root, this.actions);
    listenToFiles(this.root, (kind, file) => this.take(kind, file));
    listenToGestures(this.stage.root, {
      getView: () => this.state,
      setView: (view) => this.move(view),
      target: (canvas) => this.stage.target(canvas),
      split: (canvas) => this.stage.splitAt(canvas),
      setSplit: (share) => this.set({ split: clamp(share, 0, 1) }),
      hover: (pointer) => this.stage.point(pointer),
    });
    listenToMinimap(this.stage.minimap, ({ cx, cy }) =>
      this.setView({ cx, cy, scale: this.state.scale }),
    );
    fillHelp(this.root.querySelector("dialog.help dl"));
    // By the time this runs, the address may have been written over by saveLink.
    addEventListener("hashchange", ({ newURL }) => this.follow(new URL(newURL).hash));
    document.addEventListener("mode:open-point", ({ detail }) => this.actions.openPoint(detail));
    document.addEventListener("mode:measure-curve", () => this.actions.measureCurve());
    document.addEventListener("mode:ask-result", () => this.tellResult());
  }

  /** Open what the address asks for, or else the picture that the server has ready. */
  start(first) {
    this.state = readLink(location.hash);
    this.state.image ||= first.image;
    if (first.image === this.state.image && first.bpp === this.state.bpp) this.adopt(first);
    const { panes } = this.state;
    const waits = this.records.list(panes).some((one) => one.state === "waiting");
    if (!panes.length || waits) this.ask();
    this.render();
    if (!this.asking) this.tellResult();
  }

  /** Change the state; everything on the page follows. */
  set(change) {
    Object.assign(this.state, change);
    this.render();
  }

  setView(view) {
    const frame = this.stage.frame();
    this.move(frame && this.size ? settle(view, this.size, frame) : view);
  }

  /** Only the view changed: this runs for every frame of a drag, so it does no more than it must. */
  move(view) {
    Object.assign(this.state, view);
    this.stage.paint();
    showZoom(this.root, this.state);
    this.tellState();
  }

  /** Ask the server for what the state wants, once it has stopped changing. */
  ask() {
    this.forget();
    this.busy = true;
    this.words.tell(this.fileKey ? "Decoding…" : `Coding at ${this.state.bpp} bpp…`);
    this.asking = setTimeout(() => {
      const { image, panes, bpp } = this.state;
      if (this.fileKey) return this.exchange.openFile(this.fileKey, panes);
      // Asked for none, the server chooses the same again, and says which it had to leave out.
      this.exchange.compare(image, panes === this.chosen ? [] : panes, bpp);
    }, ASK_MS);
  }

  /** Nobody waits for the last question any more. */
  forget() {
    clearTimeout(this.asking);
    this.exchange.forget();
    this.answered?.(false);
    this.trial.end();
  }

  /** The rate changed: what is shown is out of date until the server has answered. */
  refresh() {
    this.records.outdate();
    this.render();
    this.ask();
  }

  receive(value) {
    if (!value || !this.exchange.isNewest(value)) return;
    if (!this.trial.lets(value)) return;
    this.busy = !value.done && !value.error;
    if (value.error) return this.fail(value.error);
    this.offerRetry(value.done && value.panes.some((pane) => pane.state === "failed"));
    const open = !this.state.panes.length;
    this.adopt(value);
    if (open && this.state.panes !== this.chosen) return this.ask(); // for the blend as well
    if (value.done) this.records.fail(this.unanswered(), this.state.panes);
    this.render();
    this.words.tellProgress(value);
    if (this.trial.refused) this.words.tell(this.trial.refused, true);
    if (!value.done) return;
    this.tellResult();
    this.answered?.(true);
  }

  /** Why the server named no picture for a pane. */
  unanswered() {
    return this.fileKey ? "this file does not hold it" : "the server left it out; try again";
  }

  adopt(value) {
    const ids = value.panes.map(({ id }) => id);
    if (!this.state.panes.length) {
      this.chosen = ids;
      this.state.panes = chosenBeside(ids, this.state.anchor);
    }
    this.size = { width: value.width, height: value.height };
    this.notes = value.notes;
    for (const pane of value.panes) {
      const words = pane.id === "original" ? `${value.width} × ${value.height}` : "";
      if (!value.has_original) pane.missing = NO_ORIGINAL;
      const url = pane.url && this.exchange.address(pane.url);
      const then = { come: () => this.arrived(), lost: (gone) => this.askAgain(gone) };
      this.records.take({ ...pane, words }, url, then);
    }
  }

  /** The server has dropped a picture since it named it; asked once more, it makes it anew. */
  askAgain(url) {
    if (this.lost.has(url)) return this.render();
    this.lost.add(url);
    this.refresh();
  }

  arrived() {
    const shown = new Set(this.records.list(this.state.panes).map((one) => one.url));
    this.pictures.trim(shown);
    this.render();
  }

  /** A picture that has no place yet opens at its hand-picked crop, or whole. */
  settleView() {
    if (this.state.scale || !this.size || !this.stage.frame()) return;
    const [spot] = this.spots();
    const whole = { cx: 0.5, cy: 0.5, scale: this.stage.fit() };
    Object.assign(this.state, spot ? { cx: spot[1], cy: spot[2], scale: spot[3] } : whole);
  }

  /** Frames have a size now, or another one. */
  resized() {
    if (!this.state.scale) this.render();
    else this.measure();
  }

  render() {
    const { state, catalogue, records } = this;
    mendPairs(state);
    this.root.classList.toggle("bare", !state.captions);
    this.stage.show(state, catalogue.choices, this.size);
    this.settleView();
    showControls(this.root, state, this.extra, {
      ...catalogue,
      size: this.size,
      spots: this.spots(),
      labelOf: (id) => records.labelOf(id),
    });
    this.words.tellCredit(this.sample(), this.notes);
    const numbers = this.root.querySelector(".numbers");
    const name = this.extra.name || state.image;
    fillNumbers(numbers, records.list(state.panes), (url) => this.exchange.address(url), name);
    this.tellState();
  }

  tellState() {
    this.root.dataset.state = promisedState(this.state, this.records);
    this.measure();
    this.saveLink();
  }

  sample() {
    return this.catalogue.samples.find(({ id }) => id === this.state.image);
  }

  /** Crops worth a look: hand-picked ones, then the user's pins. */
  spots() {
    const pins = this.state.pins.map((view, index) => [`pin ${index + 1}`, ...view]);
    return [...(this.sample()?.spots ?? []), ...pins];
  }

  codedPanes() {
    const all = this.records.list(this.state.panes);
    return all.filter((one) => one.state === "ready" && one.id !== "original");
  }

  /** Ask for the metrics of what is in view, when that has changed. */
  measure() {
    const region = this.stage.region();
    if (!region || this.records.get("original").state !== "ready") return;
    const ready = this.codedPanes();
    const keys = ready.map((one) => one.key);
    const question = JSON.stringify([region, keys]);
    if (question === this.measured) return;
    this.measured = question;
    this.exchange.measure(this.state.image, keys, region, (found) => {
      this.records.takeView(ready.map((one) => one.id), found);
      this.stage.describe();
    });
  }

  /** The address of this screen, with what other parts of the page have put into it. */
  link() {
    return LINK.into(location.hash, this.state);
  }

  saveLink() {
    clearTimeout(this.linking);
    this.linking = setTimeout(() => {
      if (this.fileKey || LINK.says(location.hash, this.state)) return;
      history.replaceState(history.state, "", this.link());
    }, LINK_MS);
  }

  /** The address was edited, or a link inside the page was followed. */
  follow(hash) {
    if (!hash.includes("=") || LINK.says(hash, this.state)) return;
    const before = this.state;
    this.state = readLink(hash);
    this.state.image ||= before.image;
    this.fileKey = "";
    if (this.state.image !== before.image) this.clear();
    this.refresh();
  }

  /** Nothing that was known of the last picture holds for the next one. */
  clear() {
    this.records.clear();
    this.exchange.forgetRegion();
    this.measured = "";
    this.size = null;
  }

  openPicture(image, name = "") {
    this.replace(image, name, this.fileKey ? [] : this.state.panes);
    this.ask();
  }

  /** Another picture takes the place of this one; `fileKey` says which file it is in, if in one. */
  replace(image, name, panes, fileKey = "") {
    this.fileKey = fileKey;
    this.extra.name = name;
    this.clear();
    this.pins.set(this.state.image, this.state.pins);
    this.set({ image, scale: 0, panes, pins: this.pins.get(image) ?? [] });
  }

  async take(kind, file) {
    if (kind === "table") return this.words.tell(`${file.name}: drop a table on the curves below`, true);
    this.words.tell(`Reading ${file.name}…`);
    const answer = await this.exchange.send(kind, file);
    if (answer.error) return this.words.tell(answer.error, true);
    const name = file.name.replace(/\.[^.]*$/, "");
    if (kind === "photo") this.openPicture(answer.key, name);
    else this.trial.start(answer.key, name);
  }

  fail(words) {
    this.answered?.(false);
    this.records.fail(words);
    this.render();
    this.words.tell(words, true);
    this.offerRetry(true);
  }

  offerRetry(offered) {
    this.root.querySelector("[data-do=retry]").hidden = !offered;
  }

  tellResult() {
    announceResult(this.state.image, this.codedPanes());
  }
}
