/** What the page says in its bottom line. */

import { find, write } from "../../shared/dom.js";
import { counted } from "../../shared/phrases.js";

export class Words {
  constructor(/** @type {HTMLElement} */ root) {
    this.status = find(root, ".status");
    this.credit = find(root, ".credit");
    this.exact = find(root, ".exact");
  }

  tell(/** @type {string} */ words, bad = false) {
    this.status.textContent = words;
    this.status.classList.toggle("bad", bad);
  }

  tellProgress(/** @type {Answer} */ { panes, position, done, note, bpp, has_original: coded }) {
    const count = (/** @type {string} */ state) => panes.filter((pane) => pane.state === state).length;
    if (position) return this.tell(`Busy, position ${position}: others come first`);
    const what = coded
      ? `${count("ready")} of ${panes.length} panes at ${bpp} bpp`
      : `${counted(count("ready"), "picture")} in this file`;
    const failed = count("failed") ? `, ${count("failed")} failed` : "";
    this.tell(done ? [`${what}${failed}.`, note].filter(Boolean).join(" ") : `${what}…`);
  }

  tellCredit(/** @type {Sample | undefined} */ sample, /** @type {string[]} */ notes) {
    const credit = sample ? sample.credit : notes.join("; ");
    write(this.credit, credit, credit);
  }

  tellExactness(/** @type {boolean} */ exact) {
    const text = exact ? "exact pixels ✓" : "pixels approximate in this browser";
    write(this.exact, text, `device pixel ratio ${devicePixelRatio}`);
  }
}
