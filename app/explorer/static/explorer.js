/** The rate-distortion part of the page: the state of its controls, and what the server answers to it. */

import { onLink, writeLink } from "../../shared/address.js";
import { fillSelect, find, make, saveAs } from "../../shared/dom.js";
import { hear, tell } from "../../shared/messages.js";
import { Files } from "./files.js";
import { fillLegend } from "./legend.js";
import { Plot } from "./plot.js";
import { aboutPictures, canOpen, csvOf, shortNumber } from "./points.js";
import { isShown, shareOf, withChosen } from "./state.js";
import { fillBd, fillPoints } from "./tables.js";

const SELECTS = /** @type {const} */ (["dataset", "metric", "reference"]);
const MAX_VISITED = 240;
const PAUSE_MS = 150;
const IDLE_MS = 2000;

export function mountExplorer(/** @type {PlotHost} */ host) {
  const explorer = new Explorer(host);
  listenToControls(explorer);
  listenToPage(explorer);
  return explorer;
}

export class Explorer {
  constructor(/** @type {PlotHost} */ { element, root, server, plotly, limits, start }) {
    this.root = find(element, ".rd");
    this.server = server;
    this.limits = limits;
    this.share = shareOf(start);
    this.state = this.share.read(location.hash);
    this.dark = false;
    this.picture = /** @type {Shown} */ ({});
    this.visited = { image: "", rows: new Map() }; // what the picture measured at other rates
    this.answer = /** @type {PlotAnswer | null} */ (null);
    this.asked = 0;
    this.pause = 0;
    this.progress = "";
    this.shown = (/** @type {Curve} */ curve) => isShown(curve, this.state);
    this.files = new Files(this);
    this.plot = new Plot(this, new URL(plotly, root).href);
    this.plot.setZoom(this.state);
  }

  /** The one place where the state changes. @param {Partial<PlotState>} change */
  set(change) {
    this.state = Object.freeze({ ...this.state, ...change });
  }

  /** A part of the markup by its name.
   * @template {HTMLElement} [T=HTMLElement] @param {string} name @param {new () => T} [kind] */
  part(name, kind) {
    return find(this.root, `[data-rd="${name}"]`, kind);
  }

  /** While the picture is being measured, how far that is matters most. @param {string} text */
  say(text) {
    find(this.root, ".rd-status").textContent = this.progress || text;
  }

  /** The viewer has measured some of the rates; `running` is false when it has ended. */
  sayMeasuring(/** @type {{done: number, of: number, running: boolean}} */ { done, of, running }) {
    this.part("measure", HTMLButtonElement).disabled = running;
    this.progress = running ? `Measuring this picture: ${done + 1} of ${of} rates…` : "";
    this.say(`Measured this picture at ${done} of ${of} rates.`);
  }

  /** Change what is asked for. A zoom made by hand fits the axes that it was made on, and no others. */
  ask(/** @type {Partial<PlotState>} */ change, keepZoom = false) {
    this.set(change);
    if (!keepZoom && this.plot.preset === "custom") this.plot.setZoom(this.share.start);
    return this.refresh();
  }

  /** Ask for what the state wants; an answer that was overtaken is dropped. */
  async refresh() {
    const mine = ++this.asked;
    const { dataset, metric, reference, log } = this.state;
    const { dark, picture } = this;
    const wish = { dataset, metric, reference, log, dark, picture, files: this.files.sent };
    const answer = await this.server.rd_view(wish).catch(() => null);
    if (mine !== this.asked) return;
    if (!answer?.figure) return this.say("The server did not answer; this is the last view.");
    this.answer = answer;
    this.show(answer);
    await this.plot.draw();
  }

  show(/** @type {PlotAnswer} */ { choices, bd, axis, notes, curves, files, ...chosen }) {
    const lists = { dataset: choices.datasets, metric: choices.metrics, reference: bd.references };
    const values = { ...chosen, reference: bd.reference };
    for (const name of SELECTS) {
      fillSelect(this.part(name, HTMLSelectElement), lists[name], values[name]);
    }
    for (const part of ["label", ".rd-scroll"]) find(this.root, `.rd-bd ${part}`).hidden = !bd.reference;
    this.part("log", HTMLInputElement).checked = this.state.log;
    this.part("own", HTMLInputElement).checked = this.state.own;
    this.files.show(files);
    this.part("own-box").hidden = !curves.some(({ kind }) => kind === "picture");
    this.part("value-head").textContent = axis.label;
    this.part("bd-note").textContent = bd.note;
    this.part("notes").replaceChildren(...notes.map((note) => make("li", {}, note)));
    this.showCurves();
  }

  /** What depends on which curves are on. */
  showCurves() {
    if (!this.answer) return;
    const { curves, bd } = this.answer;
    fillLegend(this, curves);
    const on = new Set(curves.filter(this.shown).map(({ key }) => key));
    fillBd(this.part("bd"), bd.rows.filter(({ key }) => on.has(key)));
  }

  choose(/** @type {Curve[]} */ entries, /** @type {boolean} */ on) {
    const focused = document.activeElement?.closest(".rd-entry, .rd-head")?.textContent;
    this.set(withChosen(this.state, entries, on));
    this.showCurves();
    const again = [...this.root.querySelectorAll(".rd-entry, .rd-head")];
    const row = again.find(({ textContent }) => textContent === focused);
    if (row) find(row, "input, button").focus();
    return this.plot.draw();
  }

  /** What depends on the part of the plot that is in view; this ends every change of the state. */
  showView() {
    this.set(this.plot.getZoom());
    writeLink(this);
    const points = this.plot.inView();
    const details = find(this.root, ".rd-points", HTMLDetailsElement);
    find(details, "summary").textContent = `Points as a table (${points.length} in view)`;
    if (details.open && this.answer) {
      fillPoints(this.part("points"), points, this.answer.axis, (point) => this.open(point));
    }
    for (const button of find(this.root, ".rd-seg").querySelectorAll("button")) {
      button.ariaPressed = String(button.dataset.range === this.plot.preset);
    }
  }

  /** Tell the viewer to show a point; a mean over a data set means the picture on screen. */
  open(/** @type {Point} */ point) {
    const { curve, bpp, p } = point;
    if (curve.kind === "theirs") {
      const { kind, dataset, codec, kept } = curve;
      const rate = curve.at[p];
      if (!kept.includes(rate)) return this.say(`${curve.label} is theirs: ${aboutPictures(point)}.`);
      tell("mode:open-point", { kind, dataset, codec, rate });
      return this.say(`Opening ${curve.label} at ${shortNumber(bpp)} bpp in the viewer.`);
    }
    if (curve.kind === "opened") return this.say(`${curve.label} stands in a pane above.`);
    if (!canOpen(curve)) return this.say(`${curve.label} is not ours: there are no pictures to open.`);
    const image = curve.image || String(this.picture.image ?? "");
    tell("mode:open-point", { image, codec: curve.codec, anchor: curve.anchor, bpp });
    this.say(`Opening ${curve.label} at ${shortNumber(bpp)} bpp in the viewer.`);
  }

  /** Every rate at which the picture was seen is a point of its own curves. */
  visit(/** @type {{image: string, rows?: {id: string, bpp: number, opened?: boolean}[]}} */ { image, rows = [], ...more }) {
    if (this.visited.image !== image) this.visited = { image, rows: new Map() };
    // A point that was opened is no rate of a curve; and with another size it is another point.
    for (const row of rows) if (!row.opened) this.visited.rows.set(`${row.id} ${row.bpp}`, row);
    this.picture = { ...more, image, rows, visited: [...this.visited.rows.values()].slice(-MAX_VISITED) };
    // A `.mode` file comes without its original: there is nothing to measure against.
    const measured = rows.some((row) => this.limits.metrics.some((key) => key in row));
    this.part("measure").hidden = !measured;
    // Panes fill in one after the other; the plot follows when they pause.
    clearTimeout(this.pause);
    if (this.answer) this.pause = setTimeout(() => this.refresh(), PAUSE_MS);
  }

  /** Show what an address asks for. @param {string} hash */
  follow(hash) {
    this.set(this.share.read(hash));
    this.plot.setZoom(this.state);
    if (this.answer) this.refresh();
  }

  readTheme() {
    const dark = document.body.classList.contains("dark");
    this.root.dataset.theme = dark ? "dark" : "light";
    if (dark === this.dark) return;
    this.dark = dark;
    if (this.answer) this.refresh();
  }

  saveCsv() {
    const points = this.plot.inView();
    if (!points.length || !this.answer) return this.say("There are no points in view to save.");
    const csv = new Blob([csvOf(points, this.answer.axis)], { type: "text/csv" });
    saveAs(`${stemOf(this.answer)}.csv`, csv);
    this.say(`Saved ${points.length} points, those in view.`);
  }

  async saveSvg() {
    const drawn = this.plot.answer;
    if (!drawn) return;
    const { url, count } = await this.plot.svg(drawn);
    saveAs(`${stemOf(drawn)}.svg`, url);
    this.say(`Saved ${count} curves as SVG.`);
  }
}

/** The name of a file that is saved, without its ending. @param {PlotAnswer} answer */
const stemOf = ({ dataset, metric }) => `rd-${dataset}-${metric}`.replace(/[^a-z0-9_-]+/gi, "-").slice(0, 60);

function listenToControls(/** @type {Explorer} */ explorer) {
  const { root, plot } = explorer;
  /** @param {string} name @param {string} event @param {(field: any) => void} act */
  const on = (name, event, act) => {
    const field = explorer.part(name);
    field.addEventListener(event, () => act(field));
  };
  for (const name of SELECTS) {
    on(name, "change", ({ value }) => explorer.ask({ [name]: value }, name === "reference"));
  }
  on("log", "change", ({ checked }) => explorer.ask({ log: checked }));
  on("own", "change", ({ checked }) => {
    explorer.set({ own: checked });
    plot.draw();
  });
  on("measure", "click", () => tell("mode:measure-curve"));
  on("find", "input", () => explorer.showCurves());
  on("csv", "click", () => explorer.saveCsv());
  on("svg", "click", () => explorer.saveSvg());
  find(root, ".rd-seg").addEventListener("click", ({ target }) => {
    const { range } = /** @type {HTMLElement} */ (target).dataset;
    if (range) plot.zoom(range);
  });
  find(root, ".rd-points").addEventListener("toggle", () => explorer.showView());
}

/** What the viewer tells, the address, the theme, and whether the plot is in sight. */
function listenToPage(/** @type {Explorer} */ explorer) {
  const { root, plot } = explorer;
  hear("mode:measuring", root, (told) => explorer.sayMeasuring(told));
  hear("mode:result", root, (picture) => explorer.visit(picture));
  // Whichever of the two comes up last, the pictures' numbers are heard.
  tell("mode:ask-result");
  onLink(explorer);
  const page = new MutationObserver(() => explorer.readTheme());
  page.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  explorer.readTheme();
  // Megabytes of plotting wait until the plot is in sight and the pictures have been painted.
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, IDLE_MS / 4));
    idle(() => explorer.refresh(), { timeout: IDLE_MS });
  });
  seen.observe(plot.element);
  new ResizeObserver(() => plot.resize()).observe(plot.element);
}
