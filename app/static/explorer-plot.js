/** The plot itself: Plotly without its buttons, with a note of our own and a keyboard. */

import { RANGES, asPlotlyText, canOpen, describePoint, nameOf } from "./explorer-data.js";
import { nextPoint, pointsInView, rangesFor, ticksFor } from "./explorer-data.js";
import { make } from "./explorer-parts.js";

const CONFIG = {
  displayModeBar: false,
  displaylogo: false,
  doubleClick: "autosize",
  modeBarButtonsToRemove: ["sendChartToCloud", "sendDataToCloud"],
  plotlyServerURL: "",
  showSendToCloud: false,
};
const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
const LEGEND_WIDTH = 380;
const LEGEND_LINE = 19;

let loading = null;

/** Plotly, loaded from this server when it is first needed. */
function plotly(url) {
  loading ??= new Promise((resolve, reject) => {
    const failed = () => {
      loading = null;
      reject(new Error("the plotting script did not load"));
    };
    const loaded = () => resolve(window.Plotly);
    document.head.append(make("script", { src: url, onload: loaded, onerror: failed }));
  });
  return loading;
}

export class Plot {
  /** @param host {url, open(point), moved(), say(text)} */
  constructor(element, tip, host) {
    this.element = element;
    this.tip = tip;
    this.host = host;
    this.preset = "usual";
    this.ranges = null;
    this.answer = null;
    this.walk = null;
    this.waiting = Promise.resolve();
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("blur", () => this.hideTip());
  }

  /** What part of the plot is shown, as a link keeps it. */
  getZoom() {
    const { x, y } = this.ranges ?? {};
    return { range: this.preset, zoom: x && this.preset === "custom" ? [x, y] : [] };
  }

  setZoom({ range, zoom: [x, y] }) {
    const custom = range === "custom";
    this.preset = custom && !y ? "usual" : range;
    this.ranges = custom && y ? { x: [...x], y: [...y] } : null;
  }

  /** Draw; drawings wait for each other. */
  draw(answer, shown, log) {
    this.waiting = this.waiting
      .then(() => this.drawNow(answer, shown, log))
      .catch((error) => this.host.say(`The plot could not be drawn: ${error.message}`));
    return this.waiting;
  }

  async drawNow(answer, shown, log) {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width) return;
    const Plotly = await plotly(this.host.url);
    Object.assign(this, { answer, shown, log });
    const { data, layout } = answer.figure;
    const visible = data.filter((_, i) => shown(answer.curves[i]));
    const fits = this.fit(visible);
    const traces = data.map((trace, i) => ({ ...trace, visible: shown(answer.curves[i]) }));
    const dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
    const page = { ...layout, dragmode, width, height, ...this.axes(layout, width) };
    await Plotly.react(this.element, traces, page, CONFIG);
    this.listen();
    this.walk = null;
    this.hideTip();
    this.element.setAttribute("aria-label", `${answer.axis.title}, against rate`);
    this.tell(visible.length, fits);
    this.host.moved();
  }

  /** Ranges for the preset; false when nothing lies in it and everything is shown instead. */
  fit(visible) {
    if (this.preset === "custom" && this.ranges) return true;
    const ranges = rangesFor(visible, this.preset, this.log);
    this.ranges = ranges ?? rangesFor(visible, "all", this.log);
    return Boolean(ranges) || !visible.length;
  }

  axes({ xaxis, yaxis }, width) {
    if (!this.ranges) return {};
    const { x, y } = this.ranges;
    const ticks = ticksFor(xaxis, width, x);
    return {
      xaxis: { ...xaxis, ...ticks, range: [...x], autorange: false },
      yaxis: { ...yaxis, range: [...y], autorange: false },
    };
  }

  tell(curves, fits) {
    const { label } = this.answer.axis;
    const text = `${curves} curves, ${label}, ${this.inView().length} points in view.`;
    const none = `No curve here has points at or below ${RANGES[this.preset]} bpp.`;
    this.host.say(fits ? text : none);
  }

  listen() {
    if (this.listening) return;
    this.listening = true;
    const at = ({ points: [{ curveNumber: c, pointNumber: p, x, y }] }) => ({
      curve: this.answer.curves[c], c, p, bpp: x, value: y,
    });
    this.element.on("plotly_hover", (event) => this.showTip(at(event)));
    this.element.on("plotly_unhover", () => this.hideTip());
    this.element.on("plotly_click", (event) => this.host.open(at(event)));
    this.element.on("plotly_relayout", (change) => this.zoomed(change));
  }

  /** The user zoomed by hand, or double-clicked for everything. */
  zoomed(change) {
    if (change["xaxis.autorange"]) return this.zoom("all");
    if (!("xaxis.range[0]" in change || "yaxis.range[0]" in change)) return;
    const { xaxis, yaxis } = this.element.layout;
    const short = (ends) => ends.map((end) => Number(end.toPrecision(6))); // for links
    this.preset = "custom";
    this.ranges = { x: short(xaxis.range), y: short(yaxis.range) };
    this.host.say(`${this.inView().length} points in view.`);
    this.host.moved();
  }

  zoom(preset) {
    this.preset = preset;
    if (this.answer) this.draw(this.answer, this.shown, this.log);
  }

  /** The size changed: draw again what is there. */
  resize() {
    const drawn = this.element._fullLayout;
    const { clientWidth, clientHeight } = this.element;
    const same = clientWidth === drawn?.width && clientHeight === drawn?.height;
    if (this.answer && clientWidth && !same) this.zoom(this.preset);
  }

  inView() {
    if (!this.answer) return [];
    const { curves, figure } = this.answer;
    return pointsInView(curves, figure.data, this.shown, this.ranges, this.log);
  }

  key(event) {
    const points = this.inView();
    const step = STEPS[event.key];
    if (step && points.length) this.walkTo(nextPoint(points, this.walk, step));
    else if (event.key === "Enter" && this.walk) this.host.open(this.walk);
    else if (event.key === "Escape" && this.walk) {
      this.walk = null;
      this.hideTip();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  walkTo(point) {
    this.walk = point;
    this.showTip(point);
    this.host.say(describePoint(point, this.answer.axis).slice(0, 3).join(", "));
  }

  showTip(point) {
    const lines = describePoint(point, this.answer.axis);
    const nodes = lines.map((line, i) => make(i ? "span" : "strong", {}, line));
    if (canOpen(point.curve)) nodes.push(make("em", {}, "Click or Enter: open in the viewer"));
    this.tip.replaceChildren(...nodes);
    this.tip.hidden = false;
    const { xaxis, yaxis } = this.element._fullLayout;
    const x = xaxis._offset + xaxis.d2p(point.bpp);
    const y = yaxis._offset + yaxis.d2p(point.value) - 20;
    const { offsetWidth, offsetHeight } = this.tip;
    const right = x + 14 + offsetWidth <= this.element.clientWidth;
    const left = Math.max(0, right ? x + 14 : x - 14 - offsetWidth);
    const top = Math.max(0, Math.min(y, this.element.clientHeight - offsetHeight));
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
  }

  hideTip() {
    this.tip.hidden = true;
  }

  /** What is seen, with a legend, as an SVG data URL; and the number of curves in it. */
  async svg(title) {
    const Plotly = await plotly(this.host.url);
    const { data, layout } = this.element;
    const named = data.map((trace, i) => ({
      ...trace, name: asPlotlyText(nameOf(this.answer.curves[i])),
    }));
    const traces = named.filter((trace) => trace.visible);
    const extras = {
      title: { text: asPlotlyText(title), font: { size: 13 }, x: 0.02 },
      margin: { ...layout.margin, t: 36 },
      showlegend: true,
      legend: { font: { size: 11 } },
    };
    const size = {
      width: this.element.clientWidth + LEGEND_WIDTH,
      // Two lines more than curves, or Plotly takes the last one for something to scroll to.
      height: Math.max(this.element.clientHeight, 80 + LEGEND_LINE * (traces.length + 2)),
    };
    const figure = { data: traces, layout: { ...layout, ...extras }, config: CONFIG };
    const url = await Plotly.toImage(figure, { format: "svg", ...size });
    return { url, count: traces.length };
  }
}
