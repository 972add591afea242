/** The presenter's screen: pictures and large labels, and nothing else. */

import { find } from "../../shared/dom.js";
import { SURROUND } from "../../viewer/static/paint.js";

const DARK = "#222222";

export class Screen {
  /** @param {Viewer} viewer @param {() => void} changed */
  constructor(viewer, changed) {
    this.viewer = viewer;
    this.changed = changed;
    this.on = false;
    this.titled = true;
    this.dark = true;
    this.full = false; // whether it has taken the whole screen
    this.opener = /** @type {Element | null} */ (null);
    document.addEventListener("fullscreenchange", () => {
      if (document.fullscreenElement) this.full = this.on;
      else if (this.on && this.full) this.leave(); // Esc ends the full screen without a word to the page
    });
  }

  toggle() {
    if (this.on) this.leave();
    else this.enter();
  }

  enter() {
    const { root, stage, words } = this.viewer;
    this.on = true;
    this.opener = document.activeElement;
    root.classList.add("presenting");
    root.requestFullscreen?.().catch(() => {}); // a frame, or a phone, may not allow it
    this.paint();
    stage.focus();
    words.tell("Presenter’s screen; Esc leaves it");
  }

  leave() {
    const { root, stage } = this.viewer;
    this.on = this.full = false;
    root.classList.remove("presenting");
    this.viewer.words.tell("");
    if (document.fullscreenElement === root) document.exitFullscreen();
    this.paint();
    if (this.opener instanceof HTMLElement && this.opener.isConnected) this.opener.focus({ preventScroll: true });
    else stage.focus();
  }

  paint() {
    const { root, stage } = this.viewer;
    const ground = this.on && this.dark ? DARK : SURROUND;
    root.style.setProperty("--ground", ground);
    stage.ground = ground;
    stage.paint();
    this.changed();
  }

  turnTitle() {
    this.titled = !this.titled;
    this.changed();
  }

  turnGround() {
    this.dark = !this.dark;
    this.paint();
  }

  /** The crop's place, title and note, in one line. @param {{at: number, of: number, title: string, note: string} | null} crop */
  tell(crop) {
    const line = find(this.viewer.root, ".crop-line");
    line.hidden = !(this.on && this.titled && crop?.of);
    find(line, ".crop-at").textContent = crop?.of ? `${crop.at}/${crop.of}` : "";
    find(line, ".crop-title").textContent = crop?.title ?? "";
    find(line, ".crop-note").textContent = crop?.note ?? "";
  }
}
