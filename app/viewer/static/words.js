/** What the page says in its bottom line. */

import { find, write } from "../../shared/dom.js";
import { progressText } from "./pace.js";

export class Words {
  constructor(/** @type {HTMLElement} */ root) {
    this.status = find(root, ".status");
    this.credit = find(root, ".credit");
    this.exact = find(root, ".exact");
    this.scope = find(root, ".scope-of-all");
    this.said = "";
    this.aside = "";
  }

  tell(/** @type {string} */ words, bad = false) {
    this.said = words;
    this.status.classList.toggle("bad", bad);
    this.show();
  }

  /** What else there is to say of a link or of files, beside whatever is told, until all is asked anew. */
  note(/** @type {string} */ words) {
    this.aside = words;
    this.show();
  }

  show() {
    const end = this.said && this.aside && !/[.…!?]$/.test(this.said) ? "." : ""; // two sentences, not one
    const text = [this.said + end, this.aside].filter(Boolean).join(" ");
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  tellProgress(/** @type {Answer} */ answer) {
    this.tell(progressText(answer));
  }

  tellCredit(/** @type {Sample | undefined} */ sample, /** @type {string[]} */ notes) {
    const credit = sample ? sample.credit : notes.join("; ");
    write(this.credit, credit, credit);
  }

  tellExactness(/** @type {import("./exactness.js").Exactness} */ { text, title, exact }) {
    if (this.exact.title === title) return;
    write(this.exact, text, title);
    this.exact.classList.toggle("true", exact);
  }

  /** What the numbers in all captions are of. @param {string} scope nothing where there are none */
  tellScope(scope) {
    this.scope.textContent = scope && `Captions: ${scope}`;
  }
}
