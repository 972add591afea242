/** The rate while it is being chosen: told at once, asked for once, when the hand lets go or the keys rest. */

import { clamp } from "../../shared/arithmetic.js";
import { showRate } from "./controls.js";

const REST_MS = 400;

export class Choosing {
  constructor(/** @type {Viewer} */ viewer) {
    this.viewer = viewer;
    this.wished = 0; // nothing is being chosen
    this.timer = 0;
  }

  /** What the bars show: the rate that is being chosen, or the one that is. */
  get bpp() {
    return this.wished || this.viewer.state.bpp;
  }

  /** Tell a rate and what it makes of the file's size; nothing is asked for. @param {number} bpp */
  show(bpp) {
    clearTimeout(this.timer);
    this.wished = clamp(bpp, ...this.viewer.catalogue.limits.bpp);
    showRate(this.viewer);
  }

  /** Ask for it: now, or when no more keys come. */
  take(rest = false) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.viewer.actions.setRate(this.bpp), rest ? REST_MS : 0);
  }

  end() {
    clearTimeout(this.timer);
    this.wished = 0;
  }
}
