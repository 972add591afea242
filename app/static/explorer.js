/** The rate-distortion page: the state of its controls, and what the server answers to it. */

import { LINK, START, canOpen, csvOf, isOn, isShown, shortNumber, withChosen } from "./explorer-data.js";
import { fillBd, fillFiles, fillLegend, fillPoints, fillSelect } from "./explorer-parts.js";
import { make, saveAs } from "./explorer-parts.js";
import { Plot } from "./explorer-plot.js";

const MAX_FILES = 4;
const MAX_FILE_BYTES = 2_000_000;
const MAX_VISITED = 240;
const PAUSE_MS = 150;
const IDLE_MS = 2000;

/** @param host {element, root, server, plotly} */
export function mountExplorer(host) {
  return new Explorer(host);
}

class Explorer {
  constructor({ element, root, server, plotly }) {
    this.root = element.querySelector(".rd");
    this.server = server;
    this.state = LINK.read(location.hash);
    this.dark = false;
    this.picture = {};
    this.visited = { image: "", rows: new Map() }; // what the picture measured at other rates
    this.files = [];
    this.answer = null;
    this.asked = 0;
    this.progress = "";
    this.plot = new Plot(this.root.querySelector("#rd-plot"), this.root.querySelector(".rd-tip"), {
      url: new URL(plotly, root).href,
      open: (point) => this.open(point),
      moved: () => this.showView(),
      say: (text) => this.say(text),
    });
    this.plot.setZoom(this.state);
    this.listenToControls();
    this.listenToFiles();
    this.listenToPage();
  }

  part(name) {
    return this.root.querySelector(`[data-rd="${name}"]`);
  }

  /** While the picture is being measured, how far that is matters most. */
  say(text) {
    this.root.querySelector(".rd-status").textContent = this.progress || text;
  }

  /** The viewer has measured some of the rates; `running` is false when it has ended. */
  sayMeasuring({ done, of, running }) {
    this.part("measure").disabled = running;
    this.progress = running ? `Measuring this picture: ${done + 1} of ${of} rates…` : "";
    this.say(`Measured this picture at ${done} of ${of} rates.`);
  }

  shown = (curve) => isShown(curve, this.state);

  /** Ask for the state's view; an answer that was overtaken is dropped. */
  async refresh() {
    const mine = ++this.asked;
    const { dataset, metric, anchor, log } = this.state;
    const { files } = this;
    const wish = { dataset, metric, anchor, log, dark: this.dark, picture: this.picture, files };
    const answer = await this.server.rd_view(wish).catch(() => null);
    if (mine !== this.asked) return;
    if (!answer?.figure) return this.say("The server did not answer; this is the last view.");
    this.answer = answer;
    answer.files.forEach(({ error }, i) => (files[i].error = error));
    this.show();
    await this.draw();
  }

  show() {
    const { answer } = this;
    fillSelect(this.part("dataset"), answer.choices.datasets, answer.dataset);
    fillSelect(this.part("metric"), answer.choices.metrics, answer.metric);
    fillSelect(this.part("anchor"), answer.bd.anchors, answer.bd.anchor);
    for (const part of this.root.querySelectorAll(".rd-bd label, .rd-bd .rd-scroll")) {
      part.hidden = !answer.bd.anchors.length;
    }
    this.part("log").checked = this.state.log;
    this.part("own").checked = this.state.own;
    this.showFiles();
    this.part("own-box").hidden = !answer.curves.some(({ kind }) => kind === "picture");
    this.part("value-head").textContent = answer.axis.label;
    this.part("bd-note").textContent = answer.bd.note;
    this.part("notes").replaceChildren(...answer.notes.map((note) => make("li", {}, note)));
    this.showCurves();
  }

  /** Errors are announced when they come, not again with every view. */
  showFiles() {
    const { files } = this.answer;
    if (JSON.stringify(files) === this.told) return;
    this.told = JSON.stringify(files);
    fillFiles(this.part("files"), files, (i) => this.removeFile(i));
  }

  /** What depends on which curves are on. */
  showCurves() {
    const { curves, bd } = this.answer;
    fillLegend(this.part("list"), curves, {
      wanted: this.part("find").value.trim().toLowerCase(),
      theme: this.dark ? "dark" : "light",
      on: (curve) => isOn(curve, this.state),
      choose: (entries, on) => this.choose(entries, on),
    });
    const on = new Set(curves.filter(this.shown).map(({ key }) => key));
    fillBd(this.part("bd"), bd.rows.filter(({ key }) => on.has(key)));
  }

  choose(entries, on) {
    const focused = document.activeElement?.closest(".rd-entry, .rd-head")?.textContent;
    Object.assign(this.state, withChosen(this.state, entries, on));
    this.showCurves();
    const again = [...this.root.querySelectorAll(".rd-entry, .rd-head")];
    again.find((row) => row.textContent === focused)?.querySelector("input, button").focus();
    return this.draw();
  }

  draw() {
    return this.plot.draw(this.answer, this.shown, this.state.log);
  }

  /** What depends on the part of the plot that is in view; this ends every change of the state. */
  showView() {
    Object.assign(this.state, this.plot.getZoom());
    if (!LINK.says(location.hash, this.state)) {
      history.replaceState(history.state, "", LINK.into(location.hash, this.state));
    }
    const points = this.plot.inView();
    const details = this.root.querySelector(".rd-points");
    details.firstElementChild.textContent = `Points as a table (${points.length} in view)`;
    if (details.open) {
      fillPoints(this.part("points"), points, this.answer.axis, (point) => this.open(point));
    }
    for (const button of this.root.querySelectorAll("[data-range]")) {
      button.setAttribute("aria-pressed", String(button.dataset.range === this.plot.preset));
    }
  }

  /** Tell the viewer to show a point; a mean over a data set means the picture on screen. */
  open({ curve, bpp }) {
    if (!canOpen(curve)) {
      return this.say(`${curve.label} is not ours: there are no pictures to open.`);
    }
    const image = curve.image || String(this.picture.image ?? "");
    const detail = { image, codec: curve.codec, anchor: curve.anchor, bpp };
    document.dispatchEvent(new CustomEvent("mode:open-point", { detail }));
    this.say(`Opening ${curve.label} at ${shortNumber(bpp)} bpp in the viewer.`);
  }

  listenToControls() {
    const on = (name, event, act) => this.part(name).addEventListener(event, act);
    for (const name of ["dataset", "metric", "anchor"]) {
      on(name, "change", (event) => this.set({ [name]: event.target.value }, name === "anchor"));
    }
    on("log", "change", (event) => this.set({ log: event.target.checked }));
    on("own", "change", (event) => {
      this.state.own = event.target.checked;
      this.draw();
    });
    on("measure", "click", () => document.dispatchEvent(new Event("mode:measure-curve")));
    on("find", "input", () => this.answer && this.showCurves());
    on("csv", "click", () => this.saveCsv());
    on("svg", "click", () => this.saveSvg());
    for (const button of this.root.querySelectorAll("[data-range]")) {
      button.addEventListener("click", () => this.plot.zoom(button.dataset.range));
    }
    this.root.querySelector(".rd-points").addEventListener("toggle", () => this.showView());
  }

  /** A zoom made by hand fits the axes that it was made on, and no others. */
  set(change, keepZoom = false) {
    Object.assign(this.state, change);
    if (!keepZoom && this.plot.preset === "custom") this.plot.setZoom(START);
    return this.refresh();
  }

  listenToFiles() {
    const mark = (on) => this.root.classList.toggle("rd-drop", on);
    this.part("file").addEventListener("change", (event) => {
      this.addFiles([...event.target.files]);
      event.target.value = "";
    });
    this.root.addEventListener("dragover", (event) => {
      event.preventDefault();
      mark(true);
    });
    this.root.addEventListener("dragleave", (event) => {
      if (!this.root.contains(event.relatedTarget)) mark(false);
    });
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      mark(false);
      this.addFiles([...event.dataTransfer.files]);
    });
  }

  /** New files, shown where their curves are; refused ones have been told of and make room. */
  async addFiles(files) {
    const added = [];
    for (const file of files.slice(0, MAX_FILES)) {
      // Of a file that is too large the server needs only the size to say so.
      const text = file.size > MAX_FILE_BYTES ? "" : await file.text();
      added.push({ name: file.name, size: file.size, text });
    }
    if (!added.length) return;
    this.files = [...this.files.filter(({ error }) => !error), ...added];
    await this.refresh();
    const reports = () => this.answer?.files.slice(-added.length) ?? [];
    const readable = reports().filter(({ error }) => !error);
    const away = readable.at(-1)?.elsewhere;
    if (away && readable.every(({ elsewhere }) => elsewhere)) await this.set(away);
    const told = reports().map(({ name, error, summary }) => `${name}: ${error || summary}`);
    const rest = files.slice(MAX_FILES).map(({ name }) => name);
    if (rest.length) told.push(`left out, ${MAX_FILES} are the most at once: ${rest.join(", ")}`);
    if (told.length) this.say(told.join("; "));
  }

  async removeFile(i) {
    const [{ name }] = this.files.splice(i, 1);
    await this.refresh();
    this.part("file").focus();
    this.say(`${name} is removed.`);
  }

  /** Every rate at which the picture was seen is a point of its own curves. */
  visit(picture) {
    if (this.visited.image !== picture.image) this.visited = { image: picture.image, rows: new Map() };
    const { rows } = this.visited;
    for (const row of picture.rows ?? []) rows.set(`${row.id} ${row.bpp}`, row);
    this.picture = { ...picture, visited: [...rows.values()].slice(-MAX_VISITED) };
    // A `.mode` file comes without its original: there is nothing to measure against.
    this.part("measure").hidden = !picture.rows?.some((row) => "psnr" in row);
  }

  /** Listen to the viewer for as long as this panel is on the page. */
  hear(name, act) {
    const heard = ({ detail }) => {
      if (this.root.isConnected) act(detail ?? {});
      else document.removeEventListener(name, heard);
    };
    document.addEventListener(name, heard);
  }

  listenToPage() {
    this.hear("mode:measuring", (detail) => this.sayMeasuring(detail));
    this.hear("mode:result", (picture) => {
      this.visit(picture);
      // Panes fill in one after the other; the plot follows when they pause.
      clearTimeout(this.pause);
      if (this.answer) this.pause = setTimeout(() => this.refresh(), PAUSE_MS);
    });
    // Whichever of the two comes up last, the pictures' numbers are heard.
    document.dispatchEvent(new Event("mode:ask-result"));
    addEventListener("hashchange", ({ newURL }) => this.follow(new URL(newURL).hash));
    const page = new MutationObserver(() => this.readTheme());
    page.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.readTheme();
    // Megabytes of plotting wait until the plot is in sight and the pictures have been painted.
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, IDLE_MS / 4));
      idle(() => this.refresh(), { timeout: IDLE_MS });
    });
    seen.observe(this.plot.element);
    new ResizeObserver(() => this.plot.resize()).observe(this.plot.element);
  }

  /** The address was edited, or a link inside the page was followed. */
  follow(hash) {
    if (!hash.includes("=") || LINK.says(hash, this.state)) return;
    this.state = LINK.read(hash);
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
    if (!points.length) return this.say("There are no points in view to save.");
    saveAs(`${this.fileStem()}.csv`, csvOf(points, this.answer.axis), "text/csv");
    this.say(`Saved ${points.length} points, those in view.`);
  }

  async saveSvg() {
    if (!this.plot.answer) return;
    const { datasets } = this.answer.choices;
    const title = datasets.find(({ id }) => id === this.answer.dataset)?.label ?? "";
    const { url, count } = await this.plot.svg(title);
    saveAs(`${this.fileStem()}.svg`, url);
    this.say(`Saved ${count} curves as SVG.`);
  }

  fileStem() {
    const { dataset, metric } = this.answer;
    return `rd-${dataset}-${metric}`.replace(/[^a-z0-9_-]+/gi, "-").slice(0, 60);
  }
}
