/** The plot itself: Plotly without its buttons, with a note of our own and a keyboard. */

import { find, make } from "../../shared/dom.js";
import { labelsFor, nextInPlane, pathTraces, planeRanges } from "./plane.js";
import { asPlotlyText, canOpen, describePoint, nameOf } from "./points.js";
import { nextPoint, pointOf, pointsInView, rangesFor, ticksFor } from "./points.js";
import { RANGES } from "./state.js";

const CONFIG = { displayModeBar: false, doubleClick: "autosize", plotlyServerURL: "" };
/** @type {Record<string, number[]>} */
const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
const LEGEND_WIDTH = 380;
const LEGEND_LINE = 19;

let loading = /** @type {Promise<any> | null} */ (null);

/** Plotly, loaded from this server when it is first needed. @param {string} src */
function plotly(src) {
  loading ??= new Promise((resolve, reject) => {
    const onload = () => resolve(/** @type {any} */ (window).Plotly);
    const onerror = () => {
      loading = null;
      reject(new Error("the plotting script did not load"));
    };
    document.head.append(make("script", { src, onload, onerror }));
  });
  return loading;
}

export class Plot {
  /** @param {Explorer} explorer @param {string} url where Plotly is */
  constructor(explorer, url) {
    this.explorer = explorer;
    this.url = url;
    this.element = /** @type {any} */ (find(explorer.root, "#rd-plot")); // Plotly adds methods to it
    this.tip = find(explorer.root, ".rd-tip");
    this.preset = "usual";
    this.ranges = /** @type {Ranges | null} */ (null);
    this.answer = /** @type {PlotAnswer | null} */ (null); // what is drawn
    this.walk = /** @type {Point | null} */ (null);
    this.listening = false;
    this.waiting = Promise.resolve();
    this.element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.key(event));
    this.element.addEventListener("blur", () => this.hideTip());
  }

  /** What part of the plot is shown, as a link keeps it. */
  getZoom() {
    const { x, y } = this.ranges ?? {};
    return { range: this.preset, zoom: x && y && this.preset === "custom" ? [x, y] : [] };
  }

  setZoom(/** @type {{range: string, zoom: number[][]}} */ { range, zoom: [x, y] }) {
    const custom = range === "custom";
    this.preset = custom && !y ? "usual" : range;
    this.ranges = custom && y ? { x: [...x], y: [...y] } : null;
  }

  /** Draw what the server answered last; drawings wait for each other. */
  draw() {
    this.waiting = this.waiting
      .then(() => this.drawNow())
      .catch((error) => this.explorer.say(`The plot could not be drawn: ${error.message}`));
    return this.waiting;
  }

  async drawNow() {
    const { answer, shown } = this.explorer;
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!answer || !width) return;
    const Plotly = await plotly(this.url);
    this.answer = answer;
    const { data, layout } = answer.figure;
    const visible = data.filter((_, i) => shown(answer.curves[i]));
    const fits = this.fit(visible);
    const ways = this.ways(answer);
    const traces = [...data.map((trace, i) => ({ ...trace, visible: shown(answer.curves[i]) })), ...ways];
    this.label(answer, traces, ways);
    const dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
    const page = { ...layout, dragmode, width, height, ...this.axes(layout, width) };
    await Plotly.react(this.element, traces, page, CONFIG);
    this.listen(answer);
    this.walk = null;
    this.hideTip();
    const { axis, across, plane } = answer;
    const against = plane ? `${across?.title}, at ${plane.at} bpp` : "rate";
    this.element.setAttribute("aria-label", `${axis.title}, against ${against}`);
    const what = plane ? `${across?.label} and ${axis.label} at ${plane.at} bpp` : `${visible.length} curves, ${axis.label}`;
    const none = `No curve here has points at or below ${RANGES[this.preset]} bpp.`;
    this.explorer.say(fits ? `${what}, ${this.inView().length} points in view.` : none);
    this.explorer.showView();
  }

  get log() {
    return this.answer?.figure.layout.xaxis.type === "log";
  }

  /** Ranges for the preset; false when nothing lies in it and everything is shown instead. */
  fit(/** @type {Trace[]} */ visible) {
    if (this.preset === "custom" && this.ranges) return true;
    const { across, axis } = this.answer ?? {};
    if (across && axis) {
      this.ranges = planeRanges(visible, across, axis);
      return true;
    }
    const ranges = rangesFor(visible, this.preset, this.log);
    this.ranges = ranges ?? rangesFor(visible, "all", this.log);
    return Boolean(ranges) || !visible.length;
  }

  /** Lines through the anchors of one file, in the plane. @param {PlotAnswer} answer */
  ways({ plane, curves, figure }) {
    const { shown, dark } = this.explorer;
    return plane ? pathTraces(plane.paths, curves, figure.data, shown, dark) : [];
  }

  /** Names beside the marks of the plane. @param {PlotAnswer} answer @param {object[]} traces @param {Trace[]} ways */
  label({ plane, curves, figure }, traces, ways) {
    if (!plane || !this.ranges) return;
    const points = pointsInView(curves, figure.data, this.explorer.shown, this.ranges, false);
    const { clientWidth: width, clientHeight: height } = this.element;
    labelsFor(points, this.ranges, { width, height }, ways).forEach(({ text, side }, i) => {
      const named = { mode: "markers+text", text: [asPlotlyText(text)], textposition: side };
      Object.assign(traces[points[i].c], named, { textfont: { size: 11 } });
    });
  }

  axes(/** @type {{xaxis: any, yaxis: any}} */ { xaxis, yaxis }, /** @type {number} */ width) {
    if (!this.ranges) return {};
    const { x, y } = this.ranges;
    return {
      xaxis: { ...xaxis, ...ticksFor(xaxis, width, x), range: [...x], autorange: false },
      yaxis: { ...yaxis, range: [...y], autorange: false },
    };
  }

  listen(/** @type {PlotAnswer} */ answer) {
    if (this.listening) return;
    this.listening = true;
    const on = (/** @type {string} */ name, /** @type {(event: any) => void} */ act) =>
      this.element.on(`plotly_${name}`, act);
    const at = (/** @type {any} */ { points: [{ curveNumber: c, pointNumber: p }] }) => {
      const { curves, figure } = this.answer ?? answer;
      return pointOf(curves[c], figure.data[c], c, p);
    };
    on("hover", (event) => this.showTip(at(event)));
    on("unhover", () => this.hideTip());
    on("click", (event) => this.explorer.open(at(event)));
    on("relayout", (change) => this.zoomed(change));
  }

  /** The user zoomed by hand, or double-clicked for everything. @param {Record<string, unknown>} change */
  zoomed(change) {
    if (change["xaxis.autorange"]) return this.zoom("all");
    if (!("xaxis.range[0]" in change || "yaxis.range[0]" in change)) return;
    const { xaxis, yaxis } = this.element.layout;
    const short = (/** @type {number[]} */ ends) => ends.map((end) => Number(end.toPrecision(6))); // for links
    this.preset = "custom";
    this.ranges = { x: short(xaxis.range), y: short(yaxis.range) };
    this.explorer.say(`${this.inView().length} points in view.`);
    this.explorer.showView();
  }

  zoom(/** @type {string} */ preset) {
    this.preset = preset;
    this.draw();
  }

  /** The size changed: draw again what is there. */
  resize() {
    const { clientWidth, clientHeight, _fullLayout: drawn } = this.element;
    const same = clientWidth === drawn?.width && clientHeight === drawn?.height;
    if (this.answer && clientWidth && !same) this.draw();
  }

  inView() {
    if (!this.answer) return [];
    const { curves, figure } = this.answer;
    return pointsInView(curves, figure.data, this.explorer.shown, this.ranges, this.log);
  }

  key(/** @type {KeyboardEvent} */ event) {
    const points = this.inView();
    const step = STEPS[event.key];
    if (step && points.length) {
      const inPlane = this.answer?.plane && this.ranges;
      this.walk = inPlane ? nextInPlane(points, this.walk, step, inPlane) : nextPoint(points, this.walk, step);
      this.explorer.say(this.showTip(this.walk).slice(0, 3).join(", "));
    } else if (event.key === "Enter" && this.walk) this.explorer.open(this.walk);
    else if (event.key === "Escape" && this.walk) {
      this.walk = null;
      this.hideTip();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** A note beside a point; gives its lines. @param {Point} point */
  showTip(point) {
    const lines = this.answer ? describePoint(point, this.answer.axis, this.answer.across) : [];
    const nodes = lines.map((line, i) => make(i ? "span" : "strong", {}, line));
    const how = canOpen(point.curve) ? [make("em", {}, "Click or Enter: open in the viewer")] : [];
    this.tip.replaceChildren(...nodes, ...how);
    this.tip.hidden = false;
    const { xaxis, yaxis } = this.element._fullLayout;
    const x = xaxis._offset + xaxis.d2p(point.x);
    const y = yaxis._offset + yaxis.d2p(point.value) - 20;
    const { offsetWidth, offsetHeight } = this.tip;
    const right = x + 14 + offsetWidth <= this.element.clientWidth;
    const left = Math.max(0, right ? x + 14 : x - 14 - offsetWidth);
    const top = Math.max(0, Math.min(y, this.element.clientHeight - offsetHeight));
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
    return lines;
  }

  hideTip() {
    this.tip.hidden = true;
  }

  /** What is seen, with a legend, as an SVG data URL; and the number of curves in it.
   * @param {PlotAnswer} answer what is drawn */
  async svg({ curves, choices, dataset }) {
    const Plotly = await plotly(this.url);
    const title = choices.datasets.find(({ id }) => id === dataset)?.label ?? "";
    const { data, layout, clientWidth, clientHeight } = this.element;
    const named = data.map((/** @type {object} */ trace, /** @type {number} */ i) =>
      (curves[i] ? { ...trace, name: asPlotlyText(nameOf(curves[i])) } : trace));
    const traces = named.filter((/** @type {{visible: boolean}} */ { visible }) => visible);
    const extras = {
      title: { text: asPlotlyText(title), font: { size: 13 }, x: 0.02 },
      margin: { ...layout.margin, t: 36 },
      showlegend: true,
      legend: { font: { size: 11 } },
    };
    const width = clientWidth + LEGEND_WIDTH;
    // Two lines more than curves, or Plotly takes the last one for something to scroll to.
    const height = Math.max(clientHeight, 80 + LEGEND_LINE * (traces.length + 2));
    const figure = { data: traces, layout: { ...layout, ...extras }, config: CONFIG };
    const url = await Plotly.toImage(figure, { format: "svg", width, height });
    return { url, count: traces.length };
  }
}
