/** The plane of distortion and perception: its axes, ways through anchors, labels, and where the keys lead. Pure. */

import { clamp } from "../../shared/arithmetic.js";
import { asPlotlyText, padded } from "./points.js";

const LETTER = 7;
const LINE = 15;
const REACH = 10;
const MARGIN = { x: 68, y: 56 };
const LONGEST = 22;
const DOTS = 6;

/** Where a label may stand beside its mark: first choice first. @type {[name: string, x: number, y: number][]} */
const SIDES = [
  ["middle right", 1, 0], ["middle left", -1, 0], ["top center", 0, 1], ["bottom center", 0, -1],
  ["top right", 1, 1], ["bottom right", 1, -1], ["top left", -1, 1], ["bottom left", -1, -1],
];

/** Ends of both axes, so that better is to the right and up; null where there is no point.
 * @param {Trace[]} traces the visible ones @param {Axis} across @param {Axis} up @returns {Ranges | null} */
export function planeRanges(traces, across, up) {
  const ends = (/** @type {number[]} */ values, /** @type {Axis} */ { better }) => {
    const [low, high] = padded(Math.min(...values), Math.max(...values), 0.12);
    return better === "lower" ? [high, low] : [low, high];
  };
  const all = traces.flatMap(({ x, y }) => x.map((one, i) => [one, y[i]]));
  if (!all.length) return null;
  return { x: ends(all.map(([x]) => x), across), y: ends(all.map(([, y]) => y), up) };
}

/** Lines through the anchors of one codec's files that are shown; a line with nothing between its ends
 * is dotted, since nothing there was measured.
 * @param {PlotPath[]} paths @param {Curve[]} curves @param {Trace[]} traces @param {(curve: Curve) => boolean} shown
 * @param {boolean} dark */
export function pathTraces(paths, curves, traces, shown, dark) {
  return paths.flatMap(({ label, keys }) => {
    const places = keys.map((key) => curves.findIndex((curve) => curve.key === key));
    const seen = places.filter((c) => c >= 0 && shown(curves[c]) && traces[c].x.length);
    if (seen.length < 2) return [];
    const { style } = curves[seen[Math.floor(seen.length / 2)]];
    const line = { color: dark ? style.dark : style.light, width: 2, dash: seen.length > 2 ? "solid" : "dot" };
    const [x, y] = /** @type {const} */ (["x", "y"]).map((axis) => seen.map((c) => traces[c][axis][0]));
    const name = asPlotlyText(`${label}, from anchor to anchor`);
    return [{ x, y, mode: "lines", line, name, hoverinfo: "skip", zorder: -1, visible: true }];
  });
}

/** A label for each point, on the side where it hides neither marks, lines nor other labels; "" where there
 * is none. @param {Point[]} points @param {Ranges} ranges @param {Size} size of the plot @param {Trace[]} ways
 * @returns {{text: string, side: string}[]} */
export function labelsFor(points, ranges, { width, height }, ways = []) {
  const along = (/** @type {number} */ value, /** @type {number[]} */ [from, to], /** @type {number} */ length) =>
    (length * (value - from)) / (to - from);
  const room = { width: width - MARGIN.x, height: height - MARGIN.y };
  const at = (/** @type {number} */ x, /** @type {number} */ y) =>
    ({ x: along(x, ranges.x, room.width), y: along(y, ranges.y, room.height) });
  const marks = points.map(({ x, value }) => at(x, value));
  const around = (/** @type {Place} */ { x, y }, /** @type {number} */ far) => [x - far, x + far, y - far, y + far];
  const taken = marks.map((mark) => around(mark, REACH));
  for (const { x, y } of ways) taken.push(...dotsOn(x.map((one, i) => at(one, y[i]))).map((dot) => around(dot, 1)));
  const hit = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a[0] < b[1] && b[0] < a[1] && a[2] < b[3] && b[2] < a[3];
  return points.map((point, i) => {
    const text = shortLabel(point.curve);
    const { x, y } = marks[i];
    const half = { x: (text.length * LETTER) / 2, y: LINE / 2 };
    for (const [side, h, v] of SIDES) {
      const middle = { x: x + h * (half.x + REACH + 2), y: y + v * (half.y + REACH) };
      const box = [middle.x - half.x, middle.x + half.x, middle.y - half.y, middle.y + half.y];
      const inside = box[0] >= 0 && box[1] <= room.width && box[2] >= 0 && box[3] <= room.height;
      if (!inside || taken.some((other, j) => j !== i && hit(box, other))) continue;
      taken.push(box);
      return { text, side };
    }
    return { text: "", side: SIDES[0][0] };
  });
}

/** Places along a line, near enough that no label fits between two. @param {Place[]} corners */
const dotsOn = (corners) =>
  corners.slice(1).flatMap((to, i) => {
    const from = corners[i];
    const count = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / DOTS);
    return Array.from({ length: count }, (_, n) => ({
      x: from.x + ((to.x - from.x) * n) / count, y: from.y + ((to.y - from.y) * n) / count,
    }));
  });

/** Names of others' and stored points say so, for those who see no legend. @param {Curve} curve */
function shortLabel({ label, kind }) {
  const name = label.length > LONGEST ? `${label.slice(0, LONGEST - 1)}…` : label;
  return kind === "published" ? `${name}, publ.` : name;
}

/** Where an arrow key leads: to the next point to the left or right, or further down or up, as seen.
 * @param {Point[]} points @param {Point | null} from @param {number[]} step down, and to the right
 * @param {Ranges} ranges */
export function nextInPlane(points, from, [down, right], ranges) {
  const turned = (/** @type {number[]} */ [a, b]) => (a > b ? -1 : 1);
  const byX = (/** @type {Point} */ one) => one.x * turned(ranges.x);
  const byY = (/** @type {Point} */ one) => -one.value * turned(ranges.y);
  const rank = right ? byX : byY;
  const order = [...points].sort((a, b) => rank(a) - rank(b) || a.c - b.c);
  const at = order.findIndex(({ c, p }) => c === from?.c && p === from?.p);
  return order[at < 0 ? 0 : clamp(at + (right || down), 0, order.length - 1)];
}
