/** The dialog of a figure for a paper: choices, a preview that follows them, and the files to save. */

import { fillSelect, find, make, refill, saveAs } from "../../shared/dom.js";
import { recall, remember } from "../../shared/storage.js";
import { OTHER, ROWS, SCOPES, VIEW, WIDTHS, aboutFigure, cropsOf, inchesFrom, isShown, keptFrom, presetOf } from "./figure.js";
import { boxOf, visibleRegion } from "./geometry.js";

const PLACE = "mode-figure";
const REST_MS = 250;
const NAMES = /** @type {Record<string, string>} */ ({ json: "manifest" });

export class Figuring {
  /** @param {Viewer} viewer @param {Keeps | null} storage */
  constructor(viewer, storage) {
    this.viewer = viewer;
    this.storage = storage;
    this.dialog = find(viewer.root, "dialog.figure", HTMLDialogElement);
    this.form = find(this.dialog, ".figure-choices", HTMLFormElement);
    this.image = find(this.dialog, "img", HTMLImageElement);
    this.kept = keptFrom("", viewer.catalogue);
    this.timer = 0;
    this.asking = /** @type {AbortController | null} */ (null);
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", ({ target }) => this.chosen(/** @type {HTMLInputElement} */ (target)));
    this.dialog.addEventListener("close", () => this.end());
    for (const button of this.dialog.querySelectorAll("[data-figure]")) {
      button.addEventListener("click", () => this.save(/** @type {HTMLElement} */ (button).dataset.figure ?? ""));
    }
  }

  /** @param {string} name */
  field(name) {
    return /** @type {HTMLInputElement & HTMLSelectElement} */ (this.form.elements.namedItem(name));
  }

  open() {
    this.kept = keptFrom(recall(this.storage, PLACE), this.viewer.catalogue); // as another tab may have left it
    this.tell("");
    this.image.hidden = true;
    this.fill();
    this.dialog.showModal();
    this.preview();
  }

  /** Nobody waits for the preview any more. */
  end() {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  /** Bring all fields to what is chosen. */
  fill() {
    const { viewer, kept } = this;
    const { options } = kept;
    fillSelect(this.field("preset"), [...WIDTHS, { id: OTHER, label: "another width" }], presetOf(options.width_in));
    this.field("width_in").value = String(options.width_in);
    const texts = viewer.catalogue.figure.texts.map((pt) => ({ id: String(pt), label: `${pt} pt` }));
    fillSelect(this.field("text_pt"), texts, String(options.text_pt));
    fillSelect(this.field("rows"), ROWS, String(options.rows));
    fillSelect(this.field("of"), SCOPES, options.of);
    this.field("whole").checked = options.whole;
    const metrics = viewer.catalogue.metrics.map(({ key, label }) => ({ id: key, label }));
    this.list("metrics", metrics, (id) => options.metrics.includes(id));
    const panes = viewer.questions.coded().map(({ id }) => ({ id, label: viewer.records.labelOf(id) }));
    this.list("panes", panes, (id) => !kept.without.includes(id));
    const { pins } = viewer.state;
    this.list("crops", cropsOf(pins), (id) => isShown(kept, id, pins.length > 0));
  }

  /** A list of boxes to tick. @param {string} name @param {Named[]} choices @param {(id: string) => boolean} isOn */
  list(name, choices, isOn) {
    const place = find(this.form, `[data-list=${name}] > div`);
    refill(place, choices, () =>
      choices.map(({ id, label }) => make("label", {}, make("input", { type: "checkbox", name, value: id }), label)),
    );
    for (const box of this.boxes(name)) box.checked = isOn(box.value);
  }

  /** @param {string} name */
  boxes(name) {
    return /** @type {HTMLInputElement[]} */ ([...this.form.querySelectorAll(`input[name=${name}]`)]);
  }

  /** @param {string} name */
  ticked(name) {
    return this.boxes(name).filter(({ checked }) => checked).map(({ value }) => value);
  }

  /** Take in what a field says, and keep it for the next visit. @param {HTMLInputElement} field */
  chosen({ name, value, checked }) {
    const { kept } = this;
    const { options } = kept;
    if (name === "preset") {
      if (value === OTHER) return this.field("width_in").focus();
      options.width_in = Number(value);
    } else if (name === "width_in") {
      const limits = this.viewer.catalogue.figure.width;
      const inches = inchesFrom(value, limits);
      if (Number.isNaN(inches)) return this.tell(`A figure is ${limits.join(" to ")} inches wide.`, true);
      options.width_in = inches;
    } else if (name === "text_pt" || name === "rows") options[name] = Number(value);
    else if (name === "of") options.of = value;
    else if (name === "whole") options.whole = checked;
    else if (name === "metrics") options.metrics = this.ticked(name);
    else if (name === "panes") kept.without = [...kept.without.filter((id) => id !== value), ...(checked ? [] : [value])];
    else if (name === "crops") kept.crops = { ...kept.crops, [value]: checked };
    remember(this.storage, PLACE, JSON.stringify(kept));
    this.field("preset").value = presetOf(options.width_in);
    this.field("width_in").value = String(options.width_in);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.preview(), REST_MS);
  }

  /** What is asked of the server. @param {string} kind */
  wish(kind) {
    const { viewer } = this;
    const { state, stage, seen } = viewer;
    const front = stage.front();
    const shown = this.ticked("panes");
    const keys = viewer.questions.coded().filter(({ id }) => shown.includes(id)).map(({ key }) => key);
    const views = this.ticked("crops").map((id) => {
      if (id === VIEW) return seen;
      const [cx, cy, scale] = state.pins[Number(id.slice(4)) - 1] ?? [0.5, 0.5, 1];
      return { cx, cy, scale };
    });
    const crops = front ? views.map((view) => boxOf(visibleRegion(view, front))) : [];
    const { image, bpp, name } = state;
    return JSON.stringify({ kind, picture: image, name, bpp, keys, crops, options: this.kept.options });
  }

  /** Why nothing can be drawn; empty if something can. */
  refusal() {
    const { limits, figure } = this.viewer.catalogue;
    const panes = this.ticked("panes").length;
    const crops = this.ticked("crops").length;
    if (!panes || panes > figure.panes) return `Choose 1 to ${figure.panes} panes.`;
    return !crops || crops > limits.crops ? `Choose 1 to ${limits.crops} crops.` : "";
  }

  /** Show what the figure will be; only the newest wish is answered. */
  async preview() {
    this.end();
    const refused = this.refusal();
    if (refused) return this.withdraw(refused);
    const asking = (this.asking = new AbortController());
    this.dialog.dataset.busy = "true";
    const shown = await this.viewer.exchange.send("figure", this.wish("preview"), asking.signal);
    if (asking !== this.asking || asking.signal.aborted) return;
    delete this.dialog.dataset.busy;
    if (shown.error) return this.withdraw(shown.error);
    const { png, alt, inches } = /** @type {FigureShown} */ (shown);
    Object.assign(this.image, { src: `data:image/png;base64,${png}`, alt, hidden: false });
    this.image.style.setProperty("--inches", String(inches[0]));
    this.tell(aboutFigure(/** @type {FigureShown} */ (shown)));
  }

  /** What was shown is not what would be saved. @param {string} words why there is nothing */
  withdraw(words) {
    delete this.dialog.dataset.busy;
    this.image.hidden = true;
    this.tell(words, true);
  }

  /** @param {string} kind */
  async save(kind) {
    const refused = this.refusal();
    if (refused) return this.tell(refused, true);
    this.tell("Drawing…");
    const { blob, error } = await this.viewer.exchange.send("figure", this.wish(kind));
    if (!blob) return this.tell(error ?? "", true);
    const name = `mode-figure.${kind}`;
    saveAs(name, blob);
    this.tell(`The ${NAMES[kind] ?? "figure"} is saved as ${name}.`);
  }

  tell(/** @type {string} */ words, bad = false) {
    const place = find(this.dialog, ".figure-said");
    place.classList.toggle("bad", bad);
    place.textContent = words;
  }
}
