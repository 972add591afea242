/** The screen of a trial: two pictures without names, one view, and an answer. */

import { find, make, makeButton } from "../../shared/dom.js";
import { Pictures } from "../../viewer/static/pictures.js";
import { Eyes } from "./eyes.js";
import { Flipping } from "./flipping.js";
import { KEYS, actOf, capOf } from "./keys.js";
import { Watch } from "./sitting.js";

const FACES = /** @type {const} */ (["left", "right", "original"]);
const NAMES = { left: "Left", right: "Right", original: "Original" };
const LOOK_FIRST = "Look at both first: Space, or Flip, shows the other one";
const ELSEWHERE = "This test is open in another tab, which has moved on; here is where it stands";
/** What is pressed sooner was meant for the trial before. */
const SETTLE_MS = 300;

/** @typedef {{state: BlindState, trials: BlindTrial[], sitting: import("./sitting.js").Sitting,
 *   done: () => void, leave: (early: boolean) => void}} Run */

export class Trials {
  /** @param {HTMLElement} root @param {Run} run */
  constructor(root, run) {
    this.root = root;
    this.run = run;
    this.pictures = new Pictures();
    this.flipping = new Flipping();
    this.watch = new Watch();
    this.ready = false;
    this.since = /** @type {number | null} */ (null); // when its pictures were first on the screen
    this.beside = false;
    root.replaceChildren(...screenOf(run.state, this));
    this.eyes = new Eyes(find(root, ".eyes"), (pane) => this.faceOf(pane), () => this.painted());
    this.listen();
    this.show();
  }

  get trial() {
    return this.run.trials[this.run.sitting.next];
  }

  /** @param {BlindTrial} trial @param {Face} face */
  address(trial, face) {
    return `${this.run.sitting.test}/${trial[face]}.png`;
  }

  /** The picture of a frame by now: what is shown, or one side each. @param {string} pane */
  faceOf(pane) {
    const { trial } = this;
    if (!trial || !this.ready) return null;
    const { shown } = this.flipping;
    const own = pane === "one" ? "left" : "right";
    return this.pictures.peek(this.address(trial, this.beside && shown !== "original" ? own : shown));
  }

  /** The trial whose turn it is; it begins when all of its pictures are there, never one after the other. */
  async show(notice = "") {
    const { sitting, trials } = this.run;
    this.ready = false;
    this.since = null;
    this.notice = notice;
    this.flipping = new Flipping();
    this.watch = new Watch();
    const at = sitting.next;
    find(this.root, ".progress").textContent = `${at + 1} of ${trials.length}`;
    find(this.root, "progress", HTMLProgressElement).value = at;
    find(this.root, "[data-act=undo]", HTMLButtonElement).disabled = at === 0;
    this.say("Loading…");
    this.describe();
    this.eyes.open(this.trial, this.trial.spot);
    try {
      await this.load(at);
    } catch {
      if (sitting.next === at) this.tellLost();
      return;
    }
    if (sitting.next !== at) return;
    this.ready = true;
    this.eyes.paint();
    find(this.root, ".frames").focus({ preventScroll: true });
    if (trials[at + 1]) this.load(at + 1).catch(() => {}); // it is asked for again when its turn comes
    this.pictures.trim(new Set(FACES.map((face) => this.address(this.trial, face))));
  }

  /** Something of this trial is on the screen: only that counts as seen. */
  painted() {
    this.flipping.painted(this.both);
    if (this.since !== null) return this.describeAnswers();
    this.since = performance.now();
    if (!document.hidden) this.watch.go(this.since);
    setTimeout(() => this.describeAnswers(), SETTLE_MS);
    this.describe();
    if (this.notice) this.say(this.notice);
  }

  get both() {
    return this.beside && this.flipping.shown !== "original";
  }

  get settled() {
    return this.since !== null && performance.now() - this.since >= SETTLE_MS;
  }

  load(/** @type {number} */ at) {
    return Promise.all(FACES.map((face) => this.pictures.load(this.address(this.run.trials[at], face))));
  }

  tellLost() {
    this.say("The pictures did not come. Your answers are kept; reload the page to go on.");
  }

  /** Bring words and buttons in line with what is shown. */
  describe() {
    const { flipping, beside, both, root } = this;
    const name = NAMES[flipping.shown];
    root.dataset.shown = this.since !== null ? (both ? "both" : flipping.shown) : "";
    root.dataset.beside = String(beside);
    const [one, two] = root.querySelectorAll(".badge");
    one.textContent = both ? NAMES.left : name;
    two.textContent = both ? NAMES.right : name;
    if (this.since !== null) this.say(both ? "Left and right" : name);
    this.describeAnswers();
    find(root, "[data-act=beside]").ariaPressed = String(beside);
    this.eyes.paint();
  }

  describeAnswers() {
    for (const button of this.root.querySelectorAll("[data-act=answer]")) {
      button.setAttribute("aria-disabled", String(!this.settled || !this.flipping.knowsBoth));
    }
  }

  say(/** @type {string} */ words) {
    find(this.root, ".status").textContent = words;
  }

  /** By name, as keys and buttons call them. @type {Actions} */
  get acts() {
    const { eyes, flipping } = this;
    const flip = (/** @type {() => void} */ act) => {
      if (this.since === null) return; // nothing is there to be exchanged
      act();
      this.describe();
    };
    return {
      press: (what) => flip(() => flipping.press(what, performance.now())),
      release: () => flip(() => flipping.release(performance.now())),
      turn: (side) => flip(() => flipping.turn(side)),
      answer: (what) => this.answer(what),
      undo: () => this.undo(),
      zoom: (way) => eyes.zoom(way),
      toggle: () => eyes.zoomTo(eyes.seen.scale === 1 ? 2 : 1),
      fit: () => eyes.fit(),
      pan: ([dx, dy]) => eyes.pan(dx, dy),
      beside: () =>
        flip(() => {
          this.beside = !this.beside;
        }),
      help: () => find(this.root, "dialog.keys", HTMLDialogElement).showModal(),
      leave: () => find(this.root, "dialog.leave", HTMLDialogElement).showModal(),
    };
  }

  answer(/** @type {BlindAnswer["answer"]} */ answer) {
    if (!this.settled) return;
    if (!this.flipping.knowsBoth) return this.say(LOOK_FIRST);
    const { sitting } = this.run;
    const taken = sitting.take({
      answer,
      seconds: this.watch.seconds(performance.now()),
      flips: this.flipping.flips,
      zoom: Number(this.eyes.seen.scale.toPrecision(4)),
      ratio: Number(devicePixelRatio.toPrecision(4)),
      screen: `${screen.width}x${screen.height}`,
      side: this.beside,
      time: new Date().toISOString(),
    });
    this.goOn(taken ? "" : ELSEWHERE);
  }

  /** To the next trial, or to the end. */
  goOn(notice = "") {
    const { sitting, trials } = this.run;
    if (sitting.next < trials.length) return this.show(notice);
    this.end();
    this.run.done();
  }

  undo() {
    const { sitting } = this.run;
    if (sitting.next) this.goOn(sitting.undo() ? "" : ELSEWHERE);
  }

  listen() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    const on = (/** @type {EventTarget} */ where, /** @type {string} */ event, /** @type {(event: any) => void} */ act) =>
      where.addEventListener(event, act, { signal });
    on(document, "keydown", (event) => this.pressed(event));
    on(document, "keyup", ({ key }) => actOf({ key, shiftKey: false })?.name === "press" && this.acts.release());
    on(window, "blur", () => this.acts.release());
    on(window, "storage", ({ key }) => key === this.run.sitting.place && this.run.sitting.moved() && this.goOn(ELSEWHERE));
    on(document, "visibilitychange", () => {
      if (document.hidden) this.watch.stop(performance.now());
      else if (this.since !== null) this.watch.go(performance.now());
    });
    on(this.root, "click", ({ target, detail }) => {
      const button = target instanceof Element ? target.closest("button") : null;
      const { act, of } = button?.dataset ?? {};
      // What is held by hand has acted already; by Enter or Space it is a tap.
      if (!act || (act === "press" && detail > 0)) return;
      this.acts[act](act === "zoom" ? Number(of) : of);
      if (act === "press") this.acts.release();
    });
    for (const button of this.root.querySelectorAll("[data-act=press]")) {
      on(button, "pointerdown", () => this.acts.press(/** @type {HTMLElement} */ (button).dataset.of));
      for (const end of ["pointerup", "pointercancel", "pointerleave"]) on(button, end, () => this.acts.release());
      on(button, "contextmenu", (event) => event.preventDefault()); // a long touch is a hold
    }
    find(this.root, "dialog.leave", HTMLDialogElement).addEventListener("close", ({ target }) => {
      const { returnValue } = /** @type {HTMLDialogElement} */ (target);
      if (returnValue !== "leave" && returnValue !== "end") return find(this.root, ".frames").focus();
      this.end();
      this.run.leave(returnValue === "end");
    });
  }

  pressed(/** @type {KeyboardEvent} */ event) {
    const { key, target, ctrlKey, metaKey, altKey, repeat } = event;
    if (ctrlKey || metaKey || altKey || document.querySelector("dialog[open]")) return;
    const own = target instanceof Element && target.closest("button") && [" ", "Enter"].includes(key);
    const act = own ? null : actOf(event);
    if (!act) return;
    event.preventDefault();
    if (!repeat || act.name === "pan" || act.name === "zoom") this.acts[act.name](act.argument);
  }

  end() {
    this.ending?.abort();
  }
}

/** @param {BlindState} state @param {Trials} trials */
function screenOf(state, trials) {
  const button = (/** @type {string} */ act, /** @type {string} */ of, /** @type {string} */ words, /** @type {string} */ title) =>
    makeButton({ "data-act": act, "data-of": of, title }, words);
  const frame = (/** @type {string} */ pane) =>
    make("div", { class: "frame" }, make("canvas", { "data-pane": pane, role: "img", "aria-label": "A picture of this trial" }), make("span", { class: "badge", "aria-hidden": "true" }));
  const top = make(
    "header", { class: "bar" },
    make("span", { class: "progress" }), make("progress", { max: state.trials, value: 0, "aria-label": "Trials answered" }),
    make("h1", {}, state.question), make("span", { class: "spring" }),
    button("help", "", "?", "Keys"), button("leave", "", "Leave", "Leave the test (Esc)"),
  );
  find(top, "[data-act=help]").ariaLabel = "Keys";
  const eyes = make("div", { class: "eyes" });
  const zooms = make("span", { class: "group", role: "group", "aria-label": "Zoom" }, button("zoom", "-1", "−", "Zoom out (−)"), make("output", { class: "zoom" }), button("zoom", "1", "+", "Zoom in (+)"), button("fit", "", "Fit", "The whole picture (F)"));
  find(zooms, "[data-of='1']").ariaLabel = "Zoom in";
  find(zooms, "[data-of='-1']").ariaLabel = "Zoom out";
  eyes.append(make("div", { class: "frames", tabindex: 0, role: "group", "aria-label": "The pictures: Space flips, O shows the original" }, frame("one"), frame("two")), make(
    "div", { class: "bar tools" },
    button("press", "other", "Flip", "Left or right: hold or tap (Space)"), button("press", "original", "Original", "Hold or tap (O)"),
    button("beside", "", "Side by side", "Both at once (G)"), zooms,
    make("span", { class: "status", role: "status" }),
  ));
  const answers = make(
    "div", { class: "bar answers", role: "group", "aria-label": state.question },
    button("undo", "", "Back", "Answer the last trial again (⌫)"),
    button("answer", "left", "Left", "Key 1 or A"), button("answer", "unsure", "Not sure", "Key 0 or U"), button("answer", "right", "Right", "Key 2 or B"),
  );
  return [top, eyes, answers, keysDialog(), leaveDialog(state)];
}

export function keysDialog() {
  const rows = KEYS.flatMap(([keys, words]) => [
    make("dt", {}, ...keys.map((key) => make("kbd", {}, capOf(key)))), make("dd", {}, words),
  ]);
  rows.push(make("dt", {}, make("kbd", {}, "⇧ ← → ↑ ↓")), make("dd", {}, "move the picture (dragging does, too)"));
  const close = make("form", { method: "dialog" }, make("button", {}, "Close"));
  return make("dialog", { class: "keys", "aria-label": "Keys" }, make("h2", {}, "Keys"), make("dl", {}, ...rows), close);
}

function leaveDialog(/** @type {BlindState} */ { alone }) {
  const early = alone ? [make("button", { value: "end" }, "End here, show the result")] : [];
  const form = make("form", { method: "dialog", class: "bar" }, make("button", { value: "stay" }, "Go on"), make("button", { value: "leave" }, "Leave"), ...early);
  const words = "Your answers are kept in this browser: open this page again to go on.";
  return make("dialog", { class: "leave", "aria-labelledby": "leaving" }, make("h2", { id: "leaving" }, "Leave the test?"), make("p", {}, words), form);
}
