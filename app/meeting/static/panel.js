/** The dialog of a meeting: its crops as rows that can be named, moved and taken out. */

import { find, make, makeButton, onFiles, refill, saveAs } from "../../shared/dom.js";
import { counted } from "../../shared/phrases.js";
import { LONGEST, MOST_BYTES, added, changedAt, cropOf, fromFile, missing, moved, placeAfter, toFile, toLink } from "./crops.js";

const FILE = "crops.json";
const PANES_NAMED = 4;

export class Panel {
  /** @param {Viewer} viewer @param {import("./walk.js").Walk} walk @param {(text: string) => Promise<boolean>} copy */
  constructor(viewer, walk, copy) {
    this.viewer = viewer;
    this.walk = walk;
    this.copy = copy;
    this.dialog = find(viewer.root, "dialog.meeting-panel", HTMLDialogElement);
    this.list = find(this.dialog, "ol.crops");
    const input = find(this.dialog, "input[type=file]", HTMLInputElement);
    onFiles(input, make("div"), "dropping", ([file]) => file && this.open(file));
    const doing = /** @type {Record<string, () => unknown>} */ ({
      add: () => this.add(),
      pins: () => this.addPins(),
      open: () => input.click(),
      save: () => this.save(),
      link: () => this.copyLink(),
    });
    for (const [name, act] of Object.entries(doing)) find(this.dialog, `[data-list=${name}]`).addEventListener("click", act);
    new Dragged(this.list, (from, to) => this.move(from, to));
  }

  show() {
    this.tell("");
    this.fill();
    if (!this.dialog.open) this.dialog.showModal();
  }

  tell(/** @type {string} */ words) {
    find(this.dialog, ".list-said").textContent = words;
  }

  add() {
    const { crop, words } = this.walk.seen();
    if (crop) this.put(added(this.walk.crops, [crop]), "Added");
    else this.tell(words);
  }

  addPins() {
    const pins = this.walk.pinned();
    if (!pins.length) return this.tell("There are no pins; C pins what is on the screen");
    const whole = pins.map((one) => cropOf(one, this.viewer.share)).filter((one) => one !== null);
    const fresh = missing(this.walk.crops, whole);
    if (!fresh.length) return this.tell("All pins are in the list already");
    this.put(added(this.walk.crops, fresh), `${counted(fresh.length, "pin")} added`);
  }

  /** @param {import("./crops.js").Read} read @param {string} done */
  put({ crops, words }, done) {
    this.walk.take(crops);
    this.tell(words || `${done}.${this.warning()}`);
  }

  /** What may not be there any more when the list is opened again. */
  warning() {
    const { share, catalogue } = this.viewer;
    const known = new Set(catalogue.samples.map(({ id }) => id));
    const states = this.walk.crops.map(({ view }) => share.read(view));
    const own = states.some(({ image, panes }) => !known.has(image) || panes.some((pane) => pane.startsWith("opened-")));
    return own ? " Pictures of your own are shown for as long as the server keeps them." : "";
  }

  /** A file with a list takes the place of the list. @param {File} file */
  async open(file) {
    const text = file.size > MOST_BYTES ? " ".repeat(MOST_BYTES + 1) : await file.text();
    const { crops, words } = fromFile(text, this.viewer.share);
    if (crops.length) this.walk.take(crops, -1);
    this.show();
    this.tell(words || `${counted(crops.length, "crop")} opened.${this.warning()}`);
  }

  save() {
    if (!this.walk.crops.length) return this.tell("The list is empty");
    saveAs(FILE, new Blob([toFile(this.walk.crops)], { type: "application/json" }));
    this.tell(`Saved as ${FILE}.${this.warning()}`);
  }

  async copyLink() {
    if (!this.walk.crops.length) return this.tell("The list is empty");
    const { packed, words } = await toLink(this.walk.crops);
    if (!packed) return this.tell(words);
    const link = `${this.viewer.exchange.host.root}#crops=${packed}`;
    if (await this.copy(link)) return this.tell(`Link with the list copied.${this.warning()}`);
    history.replaceState(history.state, "", link);
    this.tell("The browser allows no copying here: the link is in the address bar");
  }

  /** @param {number} from @param {number} to */
  move(from, to) {
    if (from === to || to < 0 || to >= this.walk.crops.length) return;
    this.walk.take(moved(this.walk.crops, from, to), placeAfter(this.walk.at, from, to));
    this.tell(`“${this.walk.crops[to].name}” is crop ${to + 1} now`);
  }

  fill() {
    const { crops, at } = this.walk;
    refill(this.list, crops, () => crops.map((one, i) => this.row(one, i)));
    for (const [i, row] of [...this.list.children].entries()) {
      row.classList.toggle("now", i === at);
      if (i === at) row.ariaCurrent = "true";
      else row.removeAttribute("aria-current");
    }
  }

  /** @param {Crop} crop @param {number} at */
  row({ name, note, view }, at) {
    const { walk, viewer } = this;
    const change = (/** @type {Partial<Crop>} */ what) => {
      const crops = changedAt(walk.crops, at, what, viewer.share);
      this.list.dataset.key = JSON.stringify(crops); // the row says so already, and somebody is at work in it
      walk.take(crops);
    };
    const field = (/** @type {"name" | "note"} */ what, /** @type {string} */ value, /** @type {string} */ words) =>
      make("input", {
        type: "text", class: what, value, maxlength: LONGEST[what], placeholder: what, autocomplete: "off",
        "aria-label": `${words} of crop ${at + 1}`,
        onchange: (/** @type {Event} */ { target }) => change({ [what]: /** @type {HTMLInputElement} */ (target).value }),
      });
    const button = (/** @type {string} */ what, /** @type {string} */ words, /** @type {() => void} */ act, disabled = false) =>
      makeButton({ class: what, title: words, "aria-label": `${words}: crop ${at + 1}`, disabled, onclick: act }, SIGNS[what]);
    const handle = make("span", { class: "handle", title: "Drag to another place", "aria-hidden": "true" }, "⠿");
    const last = walk.crops.length - 1;
    return make("li", {},
      handle,
      field("name", name, "Name"),
      field("note", note, "Note"),
      make("span", { class: "facts" }, this.facts(view)),
      make("span", { class: "group" },
        button("go", "Show it", () => this.goTo(at)),
        button("now", "Take what is on the screen", () => this.replace(at)),
        button("up", "Move up", () => this.step(at, -1), at === 0),
        button("down", "Move down", () => this.step(at, 1), at === last),
        button("out", "Take out", () => this.takeOut(at)),
      ),
    );
  }

  /** Picture, rate, panes and mode, in words. @param {string} view */
  facts(view) {
    const { share, records } = this.viewer;
    const { image, bpp, panes, mode, scale, fit } = share.read(view);
    const named = panes.slice(0, PANES_NAMED).map((id) => records.labelOf(id)).join(", ");
    const more = panes.length > PANES_NAMED ? `, ${panes.length - PANES_NAMED} more` : "";
    const zoom = fit ? "whole" : `${Math.round(100 * scale)} %`;
    return [this.walk.title(image), zoom, `${bpp} bpp`, mode, named + more].join(" · ");
  }

  goTo(/** @type {number} */ at) {
    this.dialog.close();
    this.walk.go(at);
    this.viewer.stage.focus();
  }

  replace(/** @type {number} */ at) {
    const { crop, words } = this.walk.seen();
    if (!crop) return this.tell(words);
    this.walk.take(changedAt(this.walk.crops, at, { view: crop.view }, this.viewer.share));
    this.tell(`Crop ${at + 1} shows what is on the screen now`);
    this.focus(at, "now");
  }

  step(/** @type {number} */ at, /** @type {number} */ way) {
    this.move(at, at + way);
    this.focus(at + way, way > 0 ? "down" : "up");
  }

  takeOut(/** @type {number} */ at) {
    const { crops, at: now } = this.walk;
    this.walk.take(crops.filter((_, i) => i !== at), at < now ? now - 1 : at === now ? -1 : now);
    this.tell(`Crop ${at + 1} taken out`);
    this.focus(Math.min(at, crops.length - 2), "out");
  }

  /** Whoever works by keyboard goes on where they were. @param {number} at @param {string} what */
  focus(at, what) {
    const buttons = [...(this.list.children[at]?.querySelectorAll("button") ?? [])];
    const same = buttons.find((one) => one.className === what && !one.disabled);
    (same ?? buttons[0] ?? find(this.dialog, "[data-list=add]")).focus();
  }
}

const SIGNS = /** @type {Record<string, string>} */ ({ go: "Show", now: "Update", up: "↑", down: "↓", out: "×" });

/** Rows that are dragged by their handles, by mouse or finger. */
class Dragged {
  /** @param {HTMLElement} list @param {(from: number, to: number) => void} move */
  constructor(list, move) {
    let from = -1;
    const rowUnder = (/** @type {number} */ y) =>
      [...list.children].findIndex((row) => y < row.getBoundingClientRect().bottom);
    const end = () => {
      list.children[from]?.classList.remove("dragged");
      for (const row of list.children) row.classList.remove("target");
      from = -1;
    };
    list.addEventListener("pointerdown", (event) => {
      const handle = event.target instanceof Element ? event.target.closest(".handle") : null;
      if (!handle || event.button > 0) return;
      event.preventDefault();
      list.setPointerCapture(event.pointerId);
      from = [...list.children].indexOf(/** @type {Element} */ (handle.parentElement));
      list.children[from].classList.add("dragged");
    });
    list.addEventListener("pointermove", ({ clientY }) => {
      if (from < 0) return;
      const to = placeOf(rowUnder(clientY), list);
      [...list.children].forEach((row, i) => row.classList.toggle("target", i === to && i !== from));
    });
    list.addEventListener("pointerup", ({ clientY }) => {
      const [was, to] = [from, placeOf(rowUnder(clientY), list)];
      end();
      if (was >= 0) move(was, to);
    });
    list.addEventListener("pointercancel", end);
  }
}

/** Below the last row is at its place. @param {number} found @param {HTMLElement} list */
const placeOf = (found, list) => (found < 0 ? list.children.length - 1 : found);
