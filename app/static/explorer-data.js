// The rate-distortion page's pure part: answers and ranges in, numbers and text out. No DOM.

/** Upper ends of the range presets in bits per pixel. */
const RD_RANGES = {usual: 1, low: 0.2, ultra: 0.05};

/**
 * @typedef {{key: string, group: string, label: string, kind: string, codec: string, anchor: string,
 *   image: string, dataset: string, source: string, note: string, on: boolean, images: number[],
 *   at: string[], style: {light: string, dark: string, symbol: string, dash: string}}} Curve
 * @typedef {{x: number[], y: number[]}} Trace
 */

/** Whether a curve is drawn: what the user chose for its group, otherwise its default. */
function isShown(curve, chosen, own) {
  if (curve.kind === "picture" && !own) return false;
  return chosen.get(curve.group) ?? curve.on;
}

/**
 * Axis ranges for a preset, padded, with the values fitted to the points inside it.
 * @param {Trace[]} traces the visible ones
 * @param {string} preset all, usual, low or ultra
 * @param {boolean} log whether the rate axis is logarithmic
 * @returns {{x: number[], y: number[]} | null} null when no point lies inside
 */
function rangesFor(traces, preset, log) {
  const limit = RD_RANGES[preset] ?? Infinity;
  const inside = traces.flatMap((t) => t.x.map((x, i) => [x, t.y[i]])).filter(([x]) => x <= limit);
  if (!inside.length) return null;
  const xs = inside.map(([x]) => x), ys = inside.map(([, y]) => y);
  const high = Math.min(limit, Math.max(...xs)), low = Math.min(...xs);
  const x = log ? [Math.log10(low), Math.log10(high)] : [0, high];
  const y = [Math.min(...ys), Math.max(...ys)];
  const pad = (range, share) => {
    const by = (range[1] - range[0]) * share || Math.abs(range[1]) * 0.1 || 0.1;
    return [range[0] - by, range[1] + by];
  };
  return {x: log ? pad(x, 0.03) : [0, high * 1.03], y: pad(y, 0.05)};
}

/** Fewer labels where a rate axis is too narrow for all of them. */
function ticksFor(axis, width, range) {
  const crowded = axis.tickvals && range && width / (range[1] - range[0]) < 150;
  if (!crowded) return {};
  return {ticktext: axis.tickvals.map((tick, i) => (Number.isInteger(+Math.log10(tick).toFixed(6)) ? axis.ticktext[i] : ""))};
}

/** The points of visible traces that lie inside the axis ranges: exactly what can be seen. */
function pointsInView(curves, traces, shown, ranges, log) {
  const within = (value, [a, b]) => value >= Math.min(a, b) && value <= Math.max(a, b);
  return curves.flatMap((curve, c) => !shown(curve) ? [] : traces[c].x.flatMap((bpp, p) => {
    const value = traces[c].y[p];
    const seen = !ranges || (within(log ? Math.log10(bpp) : bpp, ranges.x) && within(value, ranges.y));
    return seen ? [{curve, c, p, bpp, value}] : [];
  }));
}

/** One CSV cell: quoted where needed; text that a spreadsheet would run as a formula is disarmed. */
function csvCell(value) {
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The CSV of the points in view; it can be dropped back on the page. */
function csvOf(points, axis) {
  const net = axis.lpips_net && axis.lpips_net !== "?" ? axis.lpips_net : "";
  const head = ["codec", "kind", "dataset", "bpp", axis.column, "lpips_net", "pictures", "aimed_at", "source_ref", "notes"];
  const rows = points.map(({curve, p, bpp, value}) => [
    curve.label, curve.kind, curve.dataset, bpp, value, net, curve.images[p] || "", curve.at[p],
    curve.image ? `${curve.source}, picture ${curve.image}` : curve.source, curve.note,
  ]);
  return [head, ...rows].map((row) => row.map(csvCell).join(",")).join("\n") + "\n";
}

/** Plotly reads names as markup; as entities they are text again. */
function asPlotlyText(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A curve's name where nothing but the name tells it from others. */
function nameOf(curve) {
  const from = {published: curve.source.split(":")[0], picture: curve.image, now: "on screen", yours: curve.source, ours: "ours"}[curve.kind];
  return `${curve.label} (${from})`;
}

/** A number as people read it: fixed digits for values, three significant ones for rates. */
function shortNumber(value, digits) {
  return digits === undefined ? String(+value.toPrecision(3)) : value.toFixed(digits);
}

/** The lines of a point's note, most important first. */
function describePoint({curve, p, bpp, value}, axis) {
  const count = curve.images[p];
  const what = {ours: count ? `mean of ${count} pictures` : "", now: "the picture on screen", picture: `picture ${curve.image}`, published: "published", yours: "your file"}[curve.kind];
  return [
    curve.label,
    `${shortNumber(bpp)} bpp · ${axis.label} ${shortNumber(value, axis.digits)}${axis.unit ? ` ${axis.unit}` : ""}`,
    [what, curve.at[p]].filter(Boolean).join(" · "),
    curve.kind === "now" ? "" : curve.source,
    curve.note,
  ].filter(Boolean);
}

/** Corner points of a regular polygon or star around (7, 7), as SVG path data. */
function ngon(count, turn = 0, inner = 1) {
  const total = inner < 1 ? count * 2 : count;
  const corner = (i) => {
    const angle = (i / total) * 2 * Math.PI - Math.PI / 2 + turn, r = i % 2 && inner < 1 ? 5 * inner : 5;
    return `${(7 + r * Math.cos(angle)).toFixed(2)},${(7 + r * Math.sin(angle)).toFixed(2)}`;
  };
  return `M${Array.from({length: total}, (_, i) => corner(i)).join("L")}Z`;
}

/** A legend marker's outline for the Plotly symbols in use. */
function symbolPath(symbol) {
  const circle = "M12,7A5,5 0 1 1 2,7A5,5 0 1 1 12,7Z";
  const shapes = {
    circle, diamond: ngon(4), square: ngon(4, Math.PI / 4),
    "triangle-up": ngon(3), "triangle-down": ngon(3, Math.PI), pentagon: ngon(5), hexagon: ngon(6),
    star: ngon(5, 0, 0.45), cross: "M5.5,2H8.5V5.5H12V8.5H8.5V12H5.5V8.5H2V5.5H5.5Z",
    x: "M3,5L5,3L7,5L9,3L11,5L9,7L11,9L9,11L7,9L5,11L3,9L5,7Z", bowtie: "M2,3L12,11V3L2,11Z", hourglass: "M3,2H11L3,12H11Z",
  };
  return shapes[symbol.replace("-open", "")] ?? circle;
}

/**
 * The point that an arrow key leads to: along the curve, or to the nearest rate on the next curve.
 * @param {number[]} step [curves, points] to move by
 */
function nextPoint(points, from, [curves, along]) {
  if (!from) return points[0];
  const ids = [...new Set(points.map((point) => point.c))];
  const here = ids.indexOf(from.c);
  const target = ids[(here + curves + ids.length) % ids.length];
  const line = points.filter((point) => point.c === target);
  if (along) {
    const index = line.findIndex((point) => point.p === from.p);
    return line[Math.min(line.length - 1, Math.max(0, index + along))];
  }
  const distance = (point) => Math.abs(Math.log(point.bpp / from.bpp));
  return line.reduce((best, point) => (distance(point) < distance(best) ? point : best));
}
