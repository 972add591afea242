/** The plot's points: which are in view, which is next, and what is said of them. Pure. */

import { clamp, further } from "../../shared/arithmetic.js";
import { counted, licenceOf } from "../../shared/phrases.js";
import { RANGES } from "./state.js";

const LABEL_ROOM = 150;

const OPENABLE = ["ours", "picture", "now", "live", "stored"];

/** Curves of ours and the picture's have pictures behind them; published ones have not. */
export const canOpen = (/** @type {Curve} */ curve) => OPENABLE.includes(curve.kind);

/** What can be said of the pictures behind a point of theirs. @param {Point} point */
export const aboutPictures = ({ curve, p }) =>
  curve.kept.includes(curve.at[p]) ? "its pictures are here: a click opens the one of what is on the screen" : "its pictures are not here";

/** Axis ranges for a preset, with the values fitted to the points inside it; null when there is none.
 * @param {Trace[]} traces the visible ones @param {string} preset @param {boolean} log */
export function rangesFor(traces, preset, log) {
  const limit = RANGES[preset] ?? Infinity;
  const all = traces.flatMap((trace) => trace.x.map((x, i) => [x, trace.y[i]]));
  const inside = all.filter(([x]) => x <= limit);
  if (!inside.length) return null;
  const values = inside.map(([, y]) => y);
  const high = Math.min(limit, Math.max(...all.map(([x]) => x)));
  const low = Math.min(...inside.map(([x]) => x));
  const x = log ? padded(Math.log10(low), Math.log10(high), 0.03) : [0, high * 1.03];
  return { x, y: padded(Math.min(...values), Math.max(...values), 0.05) };
}

/** Two ends, and a share of their distance more on both sides. */
export function padded(/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ share) {
  const by = (high - low) * share || Math.abs(high) * 0.1 || 0.1;
  return [low - by, high + by];
}

/** Fewer labels where a rate axis is too narrow for all of them.
 * @param {{tickvals?: number[], ticktext: string[]}} axis @param {number} width @param {number[]} range */
export function ticksFor({ tickvals, ticktext }, width, range) {
  const crowded = range && width / (range[1] - range[0]) < LABEL_ROOM;
  if (!tickvals || !crowded) return {};
  const isDecade = (/** @type {number} */ tick) => Number.isInteger(+Math.log10(tick).toFixed(6));
  return { ticktext: tickvals.map((tick, i) => (isDecade(tick) ? ticktext[i] : "")) };
}

/** The points of visible traces inside the axis ranges: exactly what can be seen.
 * @param {Curve[]} curves @param {Trace[]} traces @param {(curve: Curve) => boolean} shown
 * @param {Ranges | null} ranges @param {boolean} log @returns {Point[]} */
export function pointsInView(curves, traces, shown, ranges, log) {
  const within = (/** @type {number} */ value, /** @type {number[]} */ [a, b]) =>
    value >= Math.min(a, b) && value <= Math.max(a, b);
  const seen = (/** @type {Point} */ { x, value }) =>
    !ranges || (within(log ? Math.log10(x) : x, ranges.x) && within(value, ranges.y));
  return curves.flatMap((curve, c) => {
    if (!shown(curve)) return [];
    return traces[c].x.map((_, p) => pointOf(curve, traces[c], c, p)).filter(seen);
  });
}

/** A point of a trace: in the plane its rate is not where it stands.
 * @param {Curve} curve @param {Trace} trace @param {number} c @param {number} p @returns {Point} */
export const pointOf = (curve, { x, y, customdata: rates = x }, c, p) =>
  ({ curve, c, p, x: x[p], bpp: rates[p], value: y[p] });

/** Where an arrow key leads: along the curve, or to the nearest rate on the next curve.
 * @param {Point[]} points those in view @param {Point | null} from @param {number[]} step by curves, points */
export function nextPoint(points, from, [curves, along]) {
  if (!from) return points[0];
  const ids = [...new Set(points.map((point) => point.c))];
  const target = further(ids, from.c, curves);
  const line = points.filter((point) => point.c === target);
  if (along) {
    const index = line.findIndex((point) => point.p === from.p) + along;
    return line[clamp(index, 0, line.length - 1)];
  }
  const distance = (/** @type {Point} */ point) => Math.abs(Math.log(point.bpp / from.bpp));
  return line.reduce((best, point) => (distance(point) < distance(best) ? point : best));
}

const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** One CSV cell, as `mode_core/stream/cells.py` writes it: quoted where needed, and no spreadsheet
 * runs a text as a formula. @param {string | number} value */
export function csvCell(value) {
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The CSV of points; it can be dropped back on the page.
 * @param {Point[]} points @param {Axis} axis @param {Axis} [across] the other axis, in the plane */
export function csvOf(points, axis, across) {
  const [net] = [axis, across].flatMap((one) => (one?.lpips_net && one.lpips_net !== "?" ? one.lpips_net : []));
  const head = ["codec", "kind", "dataset", "bpp", ...(across ? [across.column] : []), axis.column];
  head.push("lpips_net", "pictures", "aimed_at", "source_ref", "notes");
  const lines = points.map(({ curve, p, x, bpp, value }) => [
    ...[curve.label, curve.kind, curve.dataset, bpp, ...(across ? [x] : []), value, net ?? ""],
    ...[curve.images[p] || "", curve.at[p]],
    curve.image ? `${curve.source}, picture ${curve.image}` : curve.source,
    [licenceOf(curve), curve.note].filter(Boolean).join("; "),
  ]);
  return [head, ...lines].map((row) => row.map(csvCell).join(",")).join("\n") + "\n";
}

/** Plotly reads names as markup; as entities they are text again. @param {string} text */
export const asPlotlyText = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A curve's name where nothing but the name tells it from others; weights of others are not ours. */
export function nameOf(/** @type {Curve} */ curve) {
  const from = {
    published: curve.source.split(":")[0],
    picture: curve.image,
    now: "on screen",
    opened: "opened",
    yours: curve.source,
    theirs: curve.source,
    ours: curve.licence ? "measured here" : "ours",
    live: "measured now",
    stored: curve.source,
  };
  return `${curve.label} (${[from[curve.kind], licenceOf(curve)].filter(Boolean).join(", ")})`;
}

/** A number as people read it: fixed digits for values, three significant ones for rates.
 * @param {number} value @param {number} [digits] */
export const shortNumber = (value, digits) =>
  digits === undefined ? String(+value.toPrecision(3)) : value.toFixed(digits);

/** The lines of a point's note, most important first.
 * @param {Point} point @param {Axis} axis @param {Axis} [across] the other axis, in the plane */
export function describePoint(point, axis, across) {
  const { curve, p, x, bpp, value } = point;
  const what = {
    ours: `mean of ${counted(curve.images[p], "picture")}`,
    now: "the picture on screen",
    opened: "",
    picture: `picture ${curve.image}`,
    published: "published",
    yours: "your file",
    theirs: `mean of ${counted(curve.images[p], "picture")}`,
    live: "this picture",
    stored: "this picture",
  };
  const told = (/** @type {Axis} */ { label, digits, unit }, /** @type {number} */ number) =>
    `${label} ${shortNumber(number, digits)}${unit ? ` ${unit}` : ""}`;
  return [
    curve.label,
    [`${shortNumber(bpp)} bpp`, ...(across ? [told(across, x)] : []), told(axis, value)].join(" · "),
    [what[curve.kind], curve.at[p]].filter(Boolean).join(" · "),
    curve.kind === "now" ? "" : curve.source,
    licenceOf(curve),
    curve.kind === "theirs" ? aboutPictures(point) : "",
    curve.note,
  ].filter(Boolean);
}
