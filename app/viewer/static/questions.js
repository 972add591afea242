/** What the page asks of the server, and what becomes of its answers. */

import { find } from "../../shared/dom.js";
import { chosenBeside } from "./blends.js";
import { isAside } from "./rated.js";
import { isOpened } from "./opened.js";
import { ORIGINAL } from "./state.js";
import { Trial } from "./uploads.js";

const ASK_MS = 60;
const CLOCK_MS = 1000;
const SILENT_MS = 8000; // the first answer says what is there already, so it comes at once
const MOST_AGAIN = 2;
const SILENT = "the server does not answer; try again, or reload the page";
const NO_ORIGINAL = "a .mode file brings no original to measure against";

export class Questions {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.trial = new Trial(viewer);
    this.chosen = /** @type {string[]} */ ([]); // the panes of the server's choice, when nobody had named any
    this.lost = /** @type {Set<string>} */ (new Set());
    this.others = /** @type {string[] | null} */ (null); // what a tour asks for instead of what is shown
    this.timer = 0;
    this.clock = 0;
    this.busy = false;
    /** Told whether the question was answered before another one was asked. */
    this.answered = (/** @type {boolean} */ _) => {};
  }

  /** Ask the server for what the state wants, once it has stopped changing; a tour asks at other rates. */
  ask(/** @type {string} */ aside = "", /** @type {number} */ bpp = this.viewer.state.bpp, /** @type {string[] | null} */ others = null) {
    const { viewer } = this;
    this.forget();
    this.others = others;
    viewer.large.asked = ""; // the server asks again where it must
    viewer.words.note(aside);
    this.begin();
    viewer.words.tell(viewer.state.file ? "Decoding…" : `Coding at ${bpp} bpp…`);
    this.timer = setTimeout(() => this.send(bpp), ASK_MS);
  }

  /** The stream of answers may have ended just when this was sent: in silence it is sent again.
   * @param {number} bpp */
  send(bpp, again = 0) {
    const { exchange, large, state } = this.viewer;
    const { file, image, panes: shown } = state;
    const panes = this.others ?? shown;
    if (file) exchange.ask("open", { key: file, panes });
    else {
      // Asked for none, the server chooses the same again, and says which it had to leave out.
      const agreed = large.agreed.has(image);
      exchange.ask("request", { picture: image, panes: panes === this.chosen ? [] : panes, bpp, agreed });
    }
    this.timer = setTimeout(() => {
      if (again >= MOST_AGAIN) return this.refused(SILENT);
      exchange.forget();
      this.send(bpp, again + 1);
    }, SILENT_MS);
  }

  /** Nothing comes of what was asked. @param {string} words @param {boolean} again whether another try can help */
  refused(words, again = true) {
    this.end();
    this.fail(words, again);
  }

  /** The server's choice may be another one from now on; what is shown is asked for by name. */
  keepPanes() {
    this.chosen = [...this.chosen];
  }

  /** From now on the visitor can cancel, and sees how long codecs have been at work. */
  begin() {
    this.busy = true;
    this.offer("cancel", true);
    this.clock ||= setInterval(() => this.viewer.stage.describe(), CLOCK_MS);
  }

  end() {
    this.busy = false;
    this.offer("cancel", false);
    clearInterval(this.clock);
    this.clock = 0;
  }

  /** Nobody waits for what was asked: the server stops it. A tour goes back to where it began. */
  cancel() {
    const { viewer, trial } = this;
    if (viewer.touring) {
      viewer.stage.focus();
      return this.refresh();
    }
    const another = trial.file && !trial.interrupts; // a file is cancelled, and nothing of what is shown
    this.forget();
    this.end();
    viewer.exchange.cancel();
    if (!another) viewer.records.fail("cancelled");
    viewer.render();
    viewer.words.tell("Cancelled.");
    viewer.stage.focus();
    this.offer("retry", !another);
  }

  /** Nobody waits for the last question any more. */
  forget() {
    clearTimeout(this.timer);
    this.viewer.exchange.forget();
    this.answered(false);
    this.trial.end();
  }

  /** The rate changed, or all is asked for again: what is shown is out of date until then. */
  refresh(/** @type {Partial<State>} */ change = {}, aside = "", /** @type {number | undefined} */ bpp = undefined) {
    this.viewer.records.outdate();
    this.viewer.set(change);
    this.ask(aside, bpp);
  }

  /** An answer without a question: the server has said it to somebody else, or ahead of time.
   * @param {Answer} answer @param {Partial<State>} change what it is the answer to @param {boolean} anew */
  take(answer, change, anew) {
    const { viewer } = this;
    this.forget();
    this.end();
    viewer.large.asked = "";
    if (anew) viewer.records.outdate();
    viewer.set(change);
    this.adopt(answer);
    viewer.words.note("");
    viewer.words.tellProgress(answer);
    if (answer.done) viewer.tellResult();
  }

  /** Whether the question that was just asked is answered; false as soon as another one is asked. */
  answer() {
    return new Promise((answered) => (this.answered = answered));
  }

  receive(/** @type {Answer | null} */ value) {
    const { viewer } = this;
    if (!value || !viewer.exchange.isNewest(value)) return;
    clearTimeout(this.timer);
    if (!this.trial.lets(value)) return;
    if (value.error) return this.refused(value.error, !value.gone);
    if (value.done || value.pace) this.end();
    // What was opened does not come back by itself: only its visitor has it.
    const again = value.panes.some(({ id, state }) => state === "failed" && !isOpened(id));
    this.offer("retry", value.done && again);
    const open = !viewer.state.panes.length;
    this.adopt(value);
    if (open && viewer.state.panes !== this.chosen) return this.ask(viewer.words.aside); // for the blend as well
    viewer.words.tellProgress(value);
    if (this.trial.refused) viewer.words.tell(this.trial.refused, true);
    if (value.pace) viewer.large.offer(value.pace);
    if (value.done) viewer.tellResult();
    if (value.done || value.pace) this.answered(value.done);
  }

  /** Take in an answer: pictures and numbers into the records, the rest into the state. */
  adopt(/** @type {Answer} */ value) {
    const { viewer } = this;
    const { records, catalogue, state } = viewer;
    const withoutOriginal = Object.fromEntries(catalogue.metrics.map(({ key }) => [key, NO_ORIGINAL]));
    for (const pane of value.panes) {
      const words = pane.id === ORIGINAL ? `${value.width} × ${value.height}` : "";
      const missing = value.has_original ? pane.missing : withoutOriginal;
      const url = pane.url && viewer.exchange.address(pane.url);
      const then = { come: () => this.arrived(), lost: (/** @type {string} */ at) => this.askAgain(at) };
      const aside = isAside(pane, value.bpp, catalogue.limits.unequal);
      records.take({ ...pane, words, missing, url, aside }, then);
    }
    // A link may show a picture that is in nobody's gallery: it is in the menu from now on, too.
    if (!viewer.sample()) viewer.recents.add({ key: state.image, name: state.name, file: Boolean(state.file) });
    const unanswered = state.file ? "this file does not hold it" : "the server left it out; try again";
    if (!state.panes.length) this.chosen = value.panes.map(({ id }) => id);
    else if (value.done && !this.others) records.fail(unanswered, state.panes);
    const panes = state.panes.length ? state.panes : chosenBeside(this.chosen, state.anchor, catalogue);
    viewer.set({ panes, notes: value.notes, size: { width: value.width, height: value.height } });
  }

  /** The server has dropped a picture since it named it; asked once more, it makes it anew. */
  askAgain(/** @type {string} */ url) {
    if (this.lost.has(url)) return this.viewer.render();
    this.lost.add(url);
    this.refresh();
  }

  arrived() {
    const { records, pictures, state } = this.viewer;
    pictures.trim(new Set(records.list(state.panes).map(({ url }) => url)));
    this.viewer.render();
  }

  /** Panes with a picture that has been coded: those that are shown, or others. */
  coded(/** @type {readonly string[]} */ ids = this.viewer.state.panes) {
    const all = this.viewer.records.list(ids);
    return all.filter(({ id, state }) => state === "ready" && id !== ORIGINAL);
  }

  /** @param {string} words @param {boolean} again whether another try can help */
  fail(words, again = true) {
    this.answered(false);
    this.viewer.records.fail(words);
    this.viewer.render();
    this.viewer.words.tell(words, true);
    this.offer("retry", again);
  }

  /** @param {"retry" | "cancel"} what @param {boolean} offered */
  offer(what, offered) {
    find(this.viewer.root, `[data-do=${what}]`).hidden = !offered;
  }
}
