/** What the page says in its bottom line. */

export class Words {
  constructor(root) {
    this.status = root.querySelector(".status");
    this.credit = root.querySelector(".credit");
    this.exact = root.querySelector(".exact");
  }

  tell(words, bad = false) {
    this.status.textContent = words;
    this.status.classList.toggle("bad", bad);
  }

  tellProgress({ panes, position, done, note, bpp, has_original: coded }) {
    const count = (state) => panes.filter((pane) => pane.state === state).length;
    if (position) return this.tell(`Busy, position ${position}: others come first`);
    const what = coded
      ? `${count("ready")} of ${panes.length} panes at ${bpp} bpp`
      : `${count("ready")} ${count("ready") === 1 ? "picture" : "pictures"} in this file`;
    const failed = count("failed") ? `, ${count("failed")} failed` : "";
    this.tell(done ? [`${what}${failed}.`, note].filter(Boolean).join(" ") : `${what}…`);
  }

  tellCredit(sample, notes) {
    this.credit.textContent = sample ? sample.credit : notes.join("; ");
    this.credit.title = this.credit.textContent;
  }

  tellExactness(exact) {
    this.exact.textContent = exact ? "exact pixels ✓" : "pixels approximate in this browser";
    this.exact.title = `device pixel ratio ${devicePixelRatio}`;
  }
}
