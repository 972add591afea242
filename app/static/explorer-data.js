/** The rate-distortion page's pure part: answers and ranges in, numbers and text out. No DOM. */

import { Share, flag, ids, oneOf, rows, words } from "./link.js";

const MAX_CHOSEN = 200;
const SPAN = [[-1e6, 1e6], [-1e6, 1e6]];

/** What the controls say before anybody touched them; `on` and `off` are legend entries. */
export const START = Object.freeze({
  dataset: "kodak",
  metric: "psnr",
  anchor: "",
  log: true,
  range: "usual",
  zoom: [], // by hand: the ends of both axes, as [low, high] each
  own: true,
  on: [],
  off: [],
});

/** This page's share of the address. */
export const LINK = new Share(
  {
    dataset: words(80),
    metric: words(40),
    anchor: words(400),
    log: flag,
    range: oneOf(["all", "usual", "low", "ultra", "custom"]),
    zoom: rows(SPAN, 2),
    own: flag,
    on: ids(MAX_CHOSEN),
    off: ids(MAX_CHOSEN),
  },
  START,
  "rd-",
);

/** Upper ends of the range presets in bits per pixel. */
export const RANGES = { usual: 1, low: 0.2, ultra: 0.05 };
const LABEL_ROOM = 150;

/**
 * @typedef {{key: string, group: string, label: string, kind: string, codec: string,
 *   anchor: string, image: string, dataset: string, source: string, note: string, licence: string, on: boolean,
 *   images: number[], at: string[], style: Style}} Curve
 * @typedef {{light: string, dark: string, symbol: string, dash: string}} Style
 * @typedef {{x: number[], y: number[]}} Trace
 * @typedef {{curve: Curve, c: number, p: number, bpp: number, value: number}} Point
 */

/** Whether a legend entry is ticked: what the user chose, otherwise its default. */
export const isOn = ({ group, on }, state) =>
  state.on.includes(group) || (on && !state.off.includes(group));

/** Whether a curve is drawn. */
export const isShown = (curve, state) => isOn(curve, state) && (curve.kind !== "picture" || state.own);

/** The state with legend entries ticked or not; what is as it would be anyway needs no mention. */
export function withChosen(state, entries, on) {
  const groups = new Set(entries.map(({ group }) => group));
  const others = (list) => list.filter((group) => !groups.has(group));
  const unlike = entries.filter((curve) => curve.on !== on).map(({ group }) => group);
  return {
    on: [...others(state.on), ...(on ? unlike : [])],
    off: [...others(state.off), ...(on ? [] : unlike)],
  };
}

/** Curves of ours and the picture's have pictures behind them; published ones have not. */
export const canOpen = (curve) => ["ours", "picture", "now"].includes(curve.kind);

/**
 * Axis ranges for a preset, with the values fitted to the points inside it.
 * @param {Trace[]} traces the visible ones
 * @param {string} preset all, usual, low or ultra
 * @param {boolean} log whether the rate axis is logarithmic
 * @returns {{x: number[], y: number[]} | null} null when no point lies inside
 */
export function rangesFor(traces, preset, log) {
  const limit = RANGES[preset] ?? Infinity;
  const all = traces.flatMap((trace) => trace.x.map((x, i) => [x, trace.y[i]]));
  const inside = all.filter(([x]) => x <= limit);
  if (!inside.length) return null;
  const rates = inside.map(([x]) => x);
  const values = inside.map(([, y]) => y);
  const high = Math.min(limit, Math.max(...all.map(([x]) => x)));
  const low = Math.min(...rates);
  const x = log ? padded([Math.log10(low), Math.log10(high)], 0.03) : [0, high * 1.03];
  return { x, y: padded([Math.min(...values), Math.max(...values)], 0.05) };
}

function padded([low, high], share) {
  const by = (high - low) * share || Math.abs(high) * 0.1 || 0.1;
  return [low - by, high + by];
}

/** Fewer labels where a rate axis is too narrow for all of them. */
export function ticksFor(axis, width, range) {
  const crowded = axis.tickvals && range && width / (range[1] - range[0]) < LABEL_ROOM;
  if (!crowded) return {};
  const isDecade = (tick) => Number.isInteger(+Math.log10(tick).toFixed(6));
  return { ticktext: axis.tickvals.map((tick, i) => (isDecade(tick) ? axis.ticktext[i] : "")) };
}

/**
 * The points of visible traces inside the axis ranges: exactly what can be seen.
 * @returns {Point[]}
 */
export function pointsInView(curves, traces, shown, ranges, log) {
  const within = (value, [a, b]) => value >= Math.min(a, b) && value <= Math.max(a, b);
  const seen = ({ bpp, value }) =>
    !ranges || (within(log ? Math.log10(bpp) : bpp, ranges.x) && within(value, ranges.y));
  return curves
    .map((curve, c) => ({ curve, c }))
    .filter(({ curve }) => shown(curve))
    .flatMap(({ curve, c }) =>
      traces[c].x.map((bpp, p) => ({ curve, c, p, bpp, value: traces[c].y[p] })),
    )
    .filter(seen);
}

/**
 * Where an arrow key leads: along the curve, or to the nearest rate on the next curve.
 * @param {Point[]} points those in view
 * @param {Point | null} from
 * @param {number[]} step [curves, points] to move by
 */
export function nextPoint(points, from, [curves, along]) {
  if (!from) return points[0];
  const ids = [...new Set(points.map((point) => point.c))];
  const target = ids[(ids.indexOf(from.c) + curves + ids.length) % ids.length];
  const line = points.filter((point) => point.c === target);
  if (along) {
    const index = line.findIndex((point) => point.p === from.p) + along;
    return line[Math.min(line.length - 1, Math.max(0, index))];
  }
  const distance = (point) => Math.abs(Math.log(point.bpp / from.bpp));
  return line.reduce((best, point) => (distance(point) < distance(best) ? point : best));
}

/** One CSV cell: quoted where needed; text that a spreadsheet would run is disarmed. */
export function csvCell(value) {
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The CSV of points; it can be dropped back on the page. */
export function csvOf(points, axis) {
  const net = axis.lpips_net === "?" ? "" : axis.lpips_net;
  const head = ["codec", "kind", "dataset", "bpp", axis.column, "lpips_net"];
  head.push("pictures", "aimed_at", "source_ref", "notes");
  const rows = points.map(({ curve, p, bpp, value }) => [
    ...[curve.label, curve.kind, curve.dataset, bpp, value, net],
    ...[curve.images[p] || "", curve.at[p]],
    curve.image ? `${curve.source}, picture ${curve.image}` : curve.source,
    [licenceOf(curve), curve.note].filter(Boolean).join("; "),
  ]);
  return [head, ...rows].map((row) => row.map(csvCell).join(",")).join("\n") + "\n";
}

/** Plotly reads names as markup; as entities they are text again. */
export function asPlotlyText(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** What must be said of public weights wherever their results are. */
export const licenceOf = ({ licence }) => (licence ? `weights: ${licence}` : "");

/** A curve's name where nothing but the name tells it from others; weights of others are not ours. */
export function nameOf(curve) {
  const from = {
    published: curve.source.split(":")[0],
    picture: curve.image,
    now: "on screen",
    yours: curve.source,
    ours: curve.licence ? "measured here" : "ours",
  };
  return `${curve.label} (${[from[curve.kind], licenceOf(curve)].filter(Boolean).join(", ")})`;
}

/** A number as people read it: fixed digits for values, three significant ones for rates. */
export function shortNumber(value, digits) {
  return digits === undefined ? String(+value.toPrecision(3)) : value.toFixed(digits);
}

/** The lines of a point's note, most important first. */
export function describePoint({ curve, p, bpp, value }, axis) {
  const count = curve.images[p];
  const what = {
    ours: `mean of ${count} picture${count === 1 ? "" : "s"}`,
    now: "the picture on screen",
    picture: `picture ${curve.image}`,
    published: "published",
    yours: "your file",
  };
  const unit = axis.unit ? ` ${axis.unit}` : "";
  return [
    curve.label,
    `${shortNumber(bpp)} bpp · ${axis.label} ${shortNumber(value, axis.digits)}${unit}`,
    [what[curve.kind], curve.at[p]].filter(Boolean).join(" · "),
    curve.kind === "now" ? "" : curve.source,
    licenceOf(curve),
    curve.note,
  ].filter(Boolean);
}
