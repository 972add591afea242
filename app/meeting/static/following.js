/** Who follows a meeting: the view of who leads it, drawn from this page's own pictures, at this window's size. */

import { recall, remember, storageOf } from "../../shared/storage.js";
import { readLink } from "../../viewer/static/state.js";
import { fetchPictures } from "./ahead.js";
import { hashOf, viewOf } from "./crops.js";
import { listenTo } from "./events.js";

const PLACE = "mode-follow";
const SILENT_MS = 15_000; // the server says something every four seconds
const LONGEST_MS = 30_000;

export class Following {
  /** @param {Viewer} viewer @param {() => void} changed */
  constructor(viewer, changed) {
    this.viewer = viewer;
    this.changed = changed;
    this.storage = storageOf("sessionStorage");
    this.page = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    this.id = "";
    this.around = false;
    this.words = ""; // what is wrong with the line, or with the meeting
    this.shown = /** @type {ShownView | null} */ (null);
    this.answer = /** @type {Answer | null} */ (null);
    this.last = ""; // what was shown when it was heard of last
    this.fresh = false; // an answer that the panes do not show yet
    this.here = 0;
    this.away = false;
    this.pause = 0;
    this.timer = 0;
    this.expected = "";
    this.showing = false;
    this.stop = () => {};
    viewer.watchers.add(() => this.notice());
  }

  get inStep() {
    return Boolean(this.id) && !this.around;
  }

  /** The meeting that this tab followed before it was loaded again. */
  resume() {
    const id = recall(this.storage, PLACE);
    if (id) this.join(id);
  }

  join(/** @type {string} */ id) {
    this.leave();
    Object.assign(this, { id, around: false, words: "", shown: null, answer: null, pause: 0 });
    remember(this.storage, PLACE, id);
    this.viewer.led = true;
    this.connect();
    this.changed();
  }

  connect() {
    this.stop();
    this.wait(SILENT_MS);
    const to = { take: (/** @type {Told} */ told) => this.hear(told), end: () => this.lost() };
    this.stop = listenTo(this.viewer.exchange.host.root, "follow", { meeting: this.id, page: this.page }, to);
  }

  /** The line counts as cut if nothing is heard for so long. */
  wait(/** @type {number} */ ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lost(), ms);
  }

  /** Try again, after pauses that grow. */
  lost() {
    if (!this.id) return;
    this.stop();
    clearTimeout(this.timer);
    this.pause = Math.min(LONGEST_MS, this.pause * 2 || 1000);
    this.words = "The line to the server is cut; trying again";
    this.timer = setTimeout(() => this.connect(), this.pause * (0.75 + Math.random() / 2));
    this.changed();
  }

  hear(/** @type {Told} */ told) {
    if (!this.id) return;
    if (told.over) return told.full ? this.refused(told.over) : this.end(told.over);
    this.wait(SILENT_MS);
    this.pause = 0;
    Object.assign(this, { words: "", here: told.here, away: told.away, shown: told.shown });
    if (told.answer !== undefined) Object.assign(this, { answer: told.answer, fresh: true });
    if (told.ahead) fetchPictures(this.viewer, told.ahead);
    const news = JSON.stringify(told.shown);
    if (!this.around && (this.fresh || news !== this.last)) this.show();
    this.last = news;
    this.changed();
  }

  /** There is no room in it yet. */
  refused(/** @type {string} */ words) {
    this.lost();
    this.words = words;
    this.changed();
  }

  end(/** @type {string} */ words) {
    this.leave();
    this.words = words;
    this.changed();
  }

  leave() {
    if (!this.id) return;
    this.stop();
    clearTimeout(this.timer);
    this.id = "";
    remember(this.storage, PLACE, "");
    this.letGo();
    this.changed();
  }

  /** Bring the panes in line with what is shown, as far as the server has it. */
  show() {
    const { viewer, shown } = this;
    if (!shown) return;
    const linked = readLink(viewer.share, shown.hash, viewer.catalogue);
    const given = this.answer && isOf(this.answer, linked) ? this.answer : null;
    const { state } = viewer;
    const same = state.image === linked.image && state.bpp === linked.bpp && state.panes.join() === linked.panes.join();
    if (!given && !same) return; // its pictures are on their way
    this.showing = true;
    const reach = linked.fit ? null : { width: shown.reach[0], height: shown.reach[1] };
    const pins = same ? state.pins : (viewer.pins.get(linked.image) ?? []);
    const hash = hashOf(shown.hash, { ...state, pins }, viewer.share);
    if (state.flipping) viewer.actions.endFlip();
    viewer.follow(hash, !same || this.fresh ? given : null, { reach });
    this.fresh = false;
    this.showBeside(shown);
    this.expected = this.ownView();
    this.showing = false;
  }

  /** What no link holds: numbers, the pane that is held, and where the leader points. @param {ShownView} shown */
  showBeside({ numbers, held, dot }) {
    const { records, stage } = this.viewer;
    for (const [id, view] of Object.entries(numbers ?? {})) records.get(id).view = view;
    stage.describe();
    if ((stage.held ?? "") !== held) stage.hold(held || null);
    stage.dot = dot && { x: dot[0], y: dot[1] };
    stage.paint();
  }

  ownView() {
    const { state, share } = this.viewer;
    return `${viewOf(state, share)} ${JSON.stringify(state.reach)}`;
  }

  /** Whoever moves, zooms or chooses by themselves looks around. */
  notice() {
    if (!this.inStep || this.showing || !this.expected || this.ownView() === this.expected) return;
    this.lookAround();
  }

  lookAround() {
    if (!this.inStep) return;
    this.around = true;
    this.letGo();
    this.changed();
  }

  /** The page is its visitor's own again. */
  letGo() {
    const { viewer } = this;
    viewer.led = false;
    viewer.measured = "";
    this.expected = "";
    viewer.stage.dot = null;
    viewer.stage.hold(null);
    const waits = viewer.records.list(viewer.state.panes).some(({ state }) => state === "waiting");
    if (waits && !viewer.questions.busy) viewer.questions.ask();
    viewer.measure();
  }

  comeBack() {
    if (!this.around) return;
    this.around = false;
    this.viewer.led = true;
    this.fresh = true;
    this.show();
    this.changed();
  }
}

/** Whether an answer is one to this view. @param {Answer} answer @param {Linked} linked */
function isOf({ image, bpp, panes }, linked) {
  const there = panes.map(({ id }) => id);
  return image === linked.image && Math.abs(bpp - linked.bpp) < 1e-9 && linked.panes.every((id) => there.includes(id));
}
