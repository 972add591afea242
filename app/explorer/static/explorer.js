/** The rate-distortion part of the page: the state of its controls, and what the server answers to it. */

import { writeLink } from "../../shared/address.js";
import { fillSelect, find, make, saveAs } from "../../shared/dom.js";
import { tell } from "../../shared/messages.js";
import { listenToControls, listenToPage } from "./controls.js";
import { Files } from "./files.js";
import { fillLegend } from "./legend.js";
import { Plot } from "./plot.js";
import { aboutPictures, canOpen, csvOf, shortNumber } from "./points.js";
import { THIS, isShown, shareOf, withChosen } from "./state.js";
import { fillBd, fillPlaces, fillPoints } from "./tables.js";

const MAX_VISITED = 240;
const MEASURING = ["measure", "few", "path"];
const PAUSE_MS = 150;

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
  sayMeasuring(/** @type {{done: number, of: number, running: boolean, anchors?: boolean}} */ { done, of, running, anchors }) {
    for (const name of MEASURING) this.part(name, HTMLButtonElement).disabled = running;
    const what = anchors ? "the way between anchors" : "this picture";
    this.progress = running ? `Measuring ${what}: ${done + 1} of ${of} rates…` : "";
    this.say(`Measured ${what} at ${done} of ${of} rates.`);
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
    const { range, zoom, on, off, own, ...asked } = this.state;
    const wish = { ...asked, dark: this.dark, picture: this.picture, files: this.files.sent };
    const answer = await this.server.rd_view(wish).catch(() => null);
    if (mine !== this.asked) return;
    if (!answer?.figure) return this.say("The server did not answer; this is the last view.");
    this.answer = answer;
    this.show(answer);
    await this.plot.draw();
  }

  show(/** @type {PlotAnswer} */ answer) {
    const { bd, axis, notes, caption, files } = answer;
    this.showChoices(answer);
    this.files.show(files);
    this.part("value-head").textContent = axis.label;
    this.part("bd-note").textContent = bd.note;
    this.part("caption").textContent = caption;
    this.part("notes").replaceChildren(...notes.map((note) => make("li", {}, note)));
    this.showCurves();
  }

  /** The controls, with what can be chosen in each. */
  showChoices(/** @type {PlotAnswer} */ { view, dataset, metric, choices, bd, axis, across, plane, few, curves }) {
    const fill = (/** @type {string} */ name, /** @type {Named[]} */ list, /** @type {string} */ value) =>
      fillSelect(this.part(name, HTMLSelectElement), list, value);
    fill("dataset", choices.datasets, dataset);
    fill("metric", choices.metrics, metric);
    fill("reference", bd.references, bd.reference);
    if (plane && across) {
      fill("x", choices.across ?? [], across.key);
      fill("y", choices.up ?? [], axis.key);
      fill("at", plane.rates, String(plane.at));
    }
    for (const node of this.root.querySelectorAll("[data-in]")) {
      /** @type {HTMLElement} */ (node).hidden = /** @type {HTMLElement} */ (node).dataset.in !== view;
    }
    for (const part of ["label", ".rd-scroll"]) find(this.root, `.rd-bd ${part}`).hidden = !bd.reference;
    for (const name of /** @type {const} */ (["log", "own", "marks"])) {
      this.part(name, HTMLInputElement).checked = this.state[name];
    }
    const alone = dataset === THIS;
    this.part("marks-box").hidden = alone || !this.picture.rows?.length;
    this.part("own-box").hidden = !curves.some(({ kind }) => kind === "picture");
    const measured = !this.part("measure").hidden;
    this.part("few").hidden = !few || !measured;
    this.part("path").hidden = !alone || !measured || !plane || isWayKnown(plane.paths, curves);
  }

  /** What depends on which curves are on. */
  showCurves() {
    if (!this.answer) return;
    const { curves, bd, plane, axis, across } = this.answer;
    fillLegend(this, curves);
    const on = new Set(curves.filter(this.shown).map(({ key }) => key));
    fillBd(this.part("bd"), bd.rows.filter(({ key }) => on.has(key)));
    if (!plane || !across) return;
    this.part("x-head").textContent = this.part("across-head").textContent = across.short;
    this.part("y-head").textContent = axis.short;
    this.part("at-note").textContent = placesNote(plane);
    fillPlaces(this.part("places"), this.answer, this.shown);
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
      fillPoints(this.part("points"), points, this.answer, (point) => this.open(point));
    }
    for (const button of this.root.querySelectorAll(".rd-seg button")) {
      const { range, view } = /** @type {HTMLElement} */ (button).dataset;
      button.ariaPressed = String(view ? view === this.state.view : range === this.plot.preset);
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
    const csv = new Blob([csvOf(points, this.answer.axis, this.answer.across)], { type: "text/csv" });
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
function stemOf({ dataset, metric, axis, across, plane }) {
  const stem = plane ? `plane-${dataset}-${across?.key}-${axis.key}-${plane.at}` : `rd-${dataset}-${metric}`;
  return stem.replace(/[^a-z0-9_.-]+/gi, "-").slice(0, 60);
}

/** Whether the way between the anchors was measured now, with something between its ends.
 * @param {PlotPath[]} paths @param {Curve[]} curves */
const isWayKnown = (paths, curves) =>
  paths.some(({ keys }) => keys.length > 3 && curves.some(({ key, kind }) => kind === "live" && key === keys[0]));

/** What a reader must know of the places. @param {NonNullable<PlotAnswer["plane"]>} plane */
function placesNote({ at, paths }) {
  const ways = paths.map(({ label, anchors, same }) => `The line of ${label} runs through its pictures at anchors ${anchors.join(", ")}, ${same ? "all of the same files" : "not all of the same files"}.`);
  return [`At ${at} bpp, between measured rates by PCHIP over log rate, never beyond them.`, ...new Set(ways)].join(" ");
}
