/** The dialog in which a blind test is made: what is on the screen, or a list of pictures and candidates. */

import { find, make, makeButton } from "../../shared/dom.js";
import { isCoded } from "../../viewer/static/opened.js";
import { baseOf } from "../../viewer/static/rated.js";
import { needsAcross, panesIn, picturesFor } from "./list.js";

const POLL_MS = 500;
const RETRIES = 5; // of a poll that fails, after pauses that double
const UNHEARD = "The server gave the pictures up, since it had not heard from this page for too long; start again";
const TRIALS = { least: 10, usual: 36, most: 120 };
/** So many that no rater finds the own trials by trying; a spreadsheet still shows every digit. */
const SEEDS = 10 ** 15;
const NO_PHOTO = "A .mode file brings no original to compare with; open its photo for a blind test";

/** @param {Viewer} viewer */
export function openMaking(viewer) {
  const { state, words, root } = viewer;
  if (state.file) return words.tell(NO_PHOTO, true);
  root.querySelector("dialog.blind-making")?.remove();
  const making = new Making(viewer);
  root.append(making.dialog);
  making.dialog.showModal();
}

class Making {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.running = /** @type {{test: string, host: string} | null} */ (null);
    const { state, catalogue, recents } = viewer;
    const current = { id: state.image, name: state.name, spots: viewer.spots().map(([, ...spot]) => spot) };
    this.pictures = picturesFor(current, catalogue.samples, recents.list);
    this.dialog = this.made();
    this.guess();
  }

  /** @param {string} name */
  field(name) {
    return /** @type {HTMLInputElement} */ (find(this.dialog, `[name=${name}]`));
  }

  /** Values of the ticked boxes of this name. @param {string} name */
  ticked(name) {
    const boxes = /** @type {NodeListOf<HTMLInputElement>} */ (this.dialog.querySelectorAll(`[name=${name}]:checked`));
    return [...boxes].map(({ value }) => value);
  }

  get panes() {
    return [...new Set([...this.ticked("pane"), ...panesIn(this.field("more").value)])];
  }

  /** Rates are mixed where a candidate would otherwise have no partner; the visitor may choose otherwise. */
  guess() {
    this.field("across").checked = needsAcross(this.panes, this.viewer.state.bpp);
  }

  made() {
    const { viewer } = this;
    const box = (/** @type {string} */ name, /** @type {string} */ value, /** @type {string} */ words, /** @type {boolean} */ checked) =>
      make("label", {}, make("input", { type: "checkbox", name, value, checked }), words);
    const panes = viewer.records.list(viewer.state.panes).filter(({ id }) => id !== "original");
    const coded = panes.map(({ id }) => id).filter(isCoded).slice(0, 2);
    const candidates = panes.map(({ id, label, bytes_text: size, state }) => box("pane", id, [label, size].filter(Boolean).join(", "), state !== "failed"));
    const pictures = this.pictures.map(({ id, title }, at) => box("picture", id, title, at === 0));
    const all = makeButton({ onclick: () => this.tickAll() }, "All of them");
    const number = (/** @type {string} */ name, /** @type {string} */ words, /** @type {number} */ value, /** @type {number} */ min, /** @type {number} */ max) =>
      make("label", {}, words, make("input", { type: "text", inputmode: "numeric", class: "number", name, value, "data-min": min, "data-max": max }));
    const choice = (/** @type {string} */ name, /** @type {string} */ words, /** @type {Record<string, string>} */ options) =>
      make("label", {}, words, make("select", { name }, ...Object.entries(options).map(([value, text]) => make("option", { value }, text))));
    const start = make("button", { class: "begin" }, "Start");
    const cancel = makeButton({ hidden: true, class: "cancel", onclick: () => this.cancel() }, "Cancel");
    const form = make(
      "form", { class: "wish", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), this.start()), onchange: (/** @type {Event} */ event) => this.changed(event) },
      make("fieldset", {}, make("legend", {}, "Candidates"), make("div", { class: "choices" }, ...candidates), make("label", { class: "more" }, "Others", make("input", { type: "text", name: "more", autocomplete: "off", placeholder: `such as ${coded.map((one) => `${baseOf(one)}@0.05`).join(", ")}` }))),
      make("fieldset", {}, make("legend", {}, "Pictures"), make("div", { class: "choices" }, ...pictures, ...(pictures.length > 1 ? [all] : []))),
      make(
        "div", { class: "rows" },
        number("trials", "Trials", TRIALS.usual, TRIALS.least, TRIALS.most),
        choice("question", "Question", { closer: "Which is closer to the original?", better: "Which looks better?" }),
        choice("who", "Raters", { alone: "me alone", others: "others, by a link" }),
        number("seed", "Seed", Number(crypto.getRandomValues(new BigUint64Array(1))[0] % BigInt(SEEDS)), 0, SEEDS - 1),
        box("across", "1", "pairs of different rates, too", false),
        make("label", { class: "each", hidden: true }, make("input", { type: "checkbox", name: "each" }), "each rater sees the own result at once"),
      ),
      make("p", { class: "rows" }, start, cancel, make("progress", { hidden: true, value: 0, max: 1, "aria-label": "Pictures made" }), make("span", { role: "status" })),
      make("p", { role: "alert" }),
    );
    const close = make("form", { method: "dialog" }, make("button", { "aria-label": "Close" }, "×"));
    start.setAttribute("autofocus", "");
    return make("dialog", { class: "blind-making", "aria-labelledby": "blind-making", onclose: () => this.cancel() }, close, make("h2", { id: "blind-making" }, "Blind test"), make("p", {}, "Two versions of a picture at a time, without names or numbers; what was what is shown at the end."), form);
  }

  tickAll() {
    for (const box of this.dialog.querySelectorAll("[name=picture]")) /** @type {HTMLInputElement} */ (box).checked = true;
  }

  changed(/** @type {Event} */ { target }) {
    const { name } = /** @type {HTMLInputElement} */ (target);
    if (name === "pane" || name === "more") this.guess();
    find(this.dialog, ".each").hidden = this.field("who").value === "alone";
  }

  get wish() {
    const { bpp } = this.viewer.state;
    const chosen = this.ticked("picture");
    const pictures = this.pictures.filter(({ id }) => chosen.includes(id)).map(({ id, name, spots }) => ({ id, name, spots }));
    const alone = this.field("who").value === "alone";
    const number = (/** @type {string} */ name) => (/^\d{1,15}$/.test(this.field(name).value.trim()) ? Number(this.field(name).value) : -1);
    return {
      pictures, panes: this.panes, bpp, alone,
      trials: number("trials"), seed: number("seed"), question: this.field("question").value,
      each: !alone && this.field("each").checked, across: this.field("across").checked,
    };
  }

  async start() {
    if (this.running) return;
    this.say("", "Starting…");
    const made = await this.ask("make", this.wish);
    if (made.error) return this.end(made.error);
    this.running = made;
    this.busy(true);
    this.follow(made);
  }

  /** Until all pictures are there; then the test has a page of its own. @param {{test: string, host: string}} made */
  async follow(made, failed = 0) {
    const state = /** @type {HostState & {error?: string}} */ (await this.ask("state", made));
    if (this.running !== made) return;
    if (!state.state && failed < RETRIES) {
      this.say("", "The server does not answer; trying again");
      return void setTimeout(() => this.follow(made, failed + 1), POLL_MS * 2 ** failed);
    }
    if (!state.state) return this.end(`Given up after ${RETRIES + 1} tries: ${state.error}`);
    if (state.error || state.state === "failed") return this.end(state.error || UNHEARD);
    if (state.state !== "preparing") {
      const alone = state.alone ? "" : `#host=${made.host}`;
      this.running = null;
      return location.assign(this.viewer.exchange.address(`mode/blind/${made.test}${alone}`));
    }
    const bar = find(this.dialog, "progress", HTMLProgressElement);
    Object.assign(bar, { max: state.steps, value: state.done });
    const line = state.position ? `; position ${state.position}, about ${state.wait_s} s` : "";
    this.say("", `${state.done} of ${state.steps} pictures made${line}`);
    setTimeout(() => this.follow(made), POLL_MS);
  }

  cancel() {
    const { running } = this;
    if (!running) return;
    this.ask("cancel", running);
    this.end("");
    this.say("", "Cancelled.");
  }

  end(/** @type {string} */ words) {
    this.running = null;
    this.busy(false);
    this.say(words, "");
  }

  busy(/** @type {boolean} */ busy) {
    find(this.dialog, "progress").hidden = !busy;
    find(this.dialog, "button.cancel").hidden = !busy;
    find(this.dialog, "button.begin", HTMLButtonElement).disabled = busy;
    if (busy) find(this.dialog, "button.cancel").focus();
  }

  say(/** @type {string} */ wrong, /** @type {string} */ told) {
    find(this.dialog, "[role=alert]").textContent = wrong;
    find(this.dialog, "[role=status]").textContent = told;
  }

  /** @param {string} what @param {object} asked @returns {Promise<any>} */
  ask(what, asked) {
    return this.viewer.exchange.send(`blind/${what}`, JSON.stringify(asked));
  }
}
