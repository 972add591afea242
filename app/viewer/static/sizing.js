/** The dialog of one pane's size: its own, that of another pane, or one for all. */

import { clamp, rounded } from "../../shared/arithmetic.js";
import { fillSelect, find } from "../../shared/dom.js";
import { isCoded } from "./opened.js";
import { THERE_ALREADY, atRate, baseOf, ownRateOf, rateOfSize, refusalOf } from "./rated.js";
import { bytesText, rateText } from "./rates.js";
import { replaced } from "./state.js";

const ANOTHER = 0.5; // how large a second pane of a codec begins, by the first

export class Sizing {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.dialog = find(viewer.root, "dialog.sizing", HTMLDialogElement);
    this.field = find(this.dialog, "input", HTMLInputElement);
    this.same = find(this.dialog, "select", HTMLSelectElement);
    this.pane = "";
    find(this.dialog, "form.own", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.take(rateOfSize(this.field.value, viewer.state.size ?? { width: 1, height: 1 }, viewer.catalogue.limits.bpp[1]));
    });
    find(this.dialog, "form.another", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.same.value) this.take(this.rateOf(this.same.value) ?? NaN);
      else this.tell("Choose a pane first");
    });
    const doing = /** @type {Record<string, () => void>} */ ({
      common: () => this.put(atRate(this.pane, null)),
      all: () => this.makeCommon(),
      another: () => this.another(),
    });
    for (const [name, act] of Object.entries(doing)) this.button(name).addEventListener("click", act);
  }

  button(/** @type {string} */ name) {
    return find(this.dialog, `[data-size=${name}]`, HTMLButtonElement);
  }

  /** The rate of the file that a pane shows. @param {string} pane */
  rateOf(pane) {
    return this.viewer.records.get(pane).bpp;
  }

  open(/** @type {string} */ pane) {
    const { state, records } = this.viewer;
    this.pane = pane;
    const { bpp, bytes, label } = records.get(pane);
    const own = ownRateOf(pane);
    const now = bpp === null ? "" : `${rateText(bpp)} bpp, ${bytesText(bytes ?? 0)}.`;
    find(this.dialog, "h2").textContent = `Size of ${label}`;
    find(this.dialog, ".now").textContent =
      `${now} It ${own === null ? "follows the common rate" : `has a rate of its own, and the common one is ${state.bpp} bpp`}.`;
    this.field.value = own === null ? "" : String(own);
    this.tell("");
    const others = state.panes.filter((one) => one !== pane && this.rateOf(one) !== null);
    const named = others.map((one) => ({ id: one, label: `${records.labelOf(one)}: ${bytesText(records.get(one).bytes ?? 0)}` }));
    fillSelect(this.same, [{ id: "", label: "a pane" }, ...named], "");
    for (const part of [this.same, find(this.dialog, "form.another button", HTMLButtonElement)]) part.disabled = !named.length;
    this.button("common").hidden = own === null;
    this.button("common").textContent = `Follow the common rate, ${state.bpp} bpp`;
    this.button("all").disabled = bpp === null;
    const full = this.viewer.beside.full();
    Object.assign(this.button("another"), { disabled: Boolean(full), title: full || "The same codec stands twice" });
    this.dialog.showModal();
  }

  tell(/** @type {string} */ words) {
    find(this.dialog, "[role=alert]").textContent = words;
  }

  /** This pane gets a rate of its own, unless it cannot be. @param {number} bpp */
  take(bpp) {
    const { state, catalogue } = this.viewer;
    const refused = refusalOf(this.pane, bpp, state.panes, catalogue.limits);
    if (refused) return this.tell(refused);
    this.put(atRate(this.pane, bpp));
  }

  /** Another pane in the place of this one. @param {string} next */
  put(next) {
    const { viewer, pane } = this;
    if (viewer.state.panes.includes(next)) return this.tell(THERE_ALREADY);
    this.dialog.close();
    viewer.actions.exchange(pane, next);
    viewer.stage.focusRate(next);
  }

  /** All that follow the common rate, and this one, get the size that this one has. */
  makeCommon() {
    const { viewer, pane } = this;
    const bpp = this.rateOf(pane);
    this.dialog.close();
    if (bpp === null) return;
    const base = baseOf(pane);
    if (pane !== base) viewer.records.follow(pane, base);
    const common = clamp(rounded(bpp), ...viewer.catalogue.limits.bpp);
    viewer.questions.refresh({ ...replaced(viewer.state, pane, base), bpp: common });
    viewer.stage.focusRate(base);
  }

  /** The same codec again, at half the size until somebody says another one. */
  another() {
    const { viewer, pane } = this;
    const { state, catalogue } = viewer;
    const from = ownRateOf(pane) ?? state.bpp;
    const [least] = catalogue.limits.bpp;
    let bpp = from;
    do bpp = Math.max(least, Number((bpp * ANOTHER).toPrecision(3)));
    while (state.panes.includes(atRate(pane, bpp)) && bpp > least);
    const next = atRate(pane, bpp);
    if (state.panes.includes(next)) return this.tell("It stands here at the lowest rate already");
    this.dialog.close();
    const at = state.panes.indexOf(pane) + 1;
    viewer.set({ panes: state.panes.toSpliced(at, 0, next) });
    viewer.questions.ask();
  }
}

/** Whether a pane can have a size of its own. @param {State} state @param {string} pane */
export const canBeSized = (state, pane) => isCoded(pane) && !state.file;
