/** A number while it is being chosen: told at once, asked for once, when the hand lets go or the keys rest. */

import { clamp } from "../../shared/arithmetic.js";

const REST_MS = 400;

export class Choosing {
  /** @param {[number, number]} limits @param {() => number} settled the number while none is being chosen
   * @param {() => void} tell @param {(value: number) => void} ask */
  constructor(limits, settled, tell, ask) {
    this.limits = limits;
    this.settled = settled;
    this.tell = tell;
    this.ask = ask;
    this.wished = /** @type {number | null} */ (null);
    this.timer = 0;
  }

  /** What the bars show: the number that is being chosen, or the one that is. */
  get value() {
    return this.wished ?? this.settled();
  }

  /** Tell a number and what follows from it; nothing is asked for. @param {number} value */
  show(value) {
    clearTimeout(this.timer);
    this.wished = clamp(value, ...this.limits);
    this.tell();
  }

  /** Ask for it: now, or when no more keys come. */
  take(rest = false) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(this.value), rest ? REST_MS : 0);
  }

  end() {
    clearTimeout(this.timer);
    this.wished = null;
  }
}
