/** Pieces of the rate-distortion page. Text only ever enters by textContent. */

import { canOpen, licenceOf, shortNumber } from "./explorer-data.js";

const SVG = "http://www.w3.org/2000/svg";
const DASHES = {
  solid: "", dash: "6 3", dot: "2 3", dashdot: "6 2 2 2", longdash: "10 3", longdashdot: "9 2 2 2",
};
const SECTIONS = { ours: "Measured here", yours: "Yours", published: "Published" };

/** Build an element; strings among the children are text, never markup. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Offer text or a data URL as a download. */
export function saveAs(name, content, type = "") {
  const url = type ? URL.createObjectURL(new Blob([content], { type })) : content;
  make("a", { href: url, download: name }).click();
  if (type) setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Choices of a select, one of them taken. */
export function fillSelect(select, items, value) {
  const options = items.map(({ id, label }) =>
    make("option", { value: id, selected: id === value }, label),
  );
  select.replaceChildren(...options);
}

/** The corner points of a polygon or star around (7, 7), as path data. */
function ngon(count, turn = 0, inner = 1) {
  const total = inner < 1 ? count * 2 : count;
  const corner = (_, i) => {
    const angle = (i / total) * 2 * Math.PI - Math.PI / 2 + turn;
    const radius = i % 2 && inner < 1 ? 5 * inner : 5;
    return [7 + radius * Math.cos(angle), 7 + radius * Math.sin(angle)].map((x) => x.toFixed(2));
  };
  return `M${Array.from({ length: total }, corner).join("L")}Z`;
}

/** Outlines of the Plotly symbols in use. */
export const SHAPES = {
  circle: "M12,7A5,5 0 1 1 2,7A5,5 0 1 1 12,7Z",
  diamond: ngon(4),
  square: ngon(4, Math.PI / 4),
  "triangle-up": ngon(3),
  "triangle-down": ngon(3, Math.PI),
  pentagon: ngon(5),
  hexagon: ngon(6),
  star: ngon(5, 0, 0.45),
  cross: "M5.5,2H8.5V5.5H12V8.5H8.5V12H5.5V8.5H2V5.5H5.5Z",
  x: "M3,5L5,3L7,5L9,3L11,5L9,7L11,9L9,11L7,9L5,11L3,9L5,7Z",
  bowtie: "M2,3L12,11V3L2,11Z",
  hourglass: "M3,2H11L3,12H11Z",
  "diamond-tall": "M7,0.8L10.1,7L7,13.2L3.9,7Z",
};

/** The swatch of a legend entry: its dash and its marker. */
function swatch(style, theme) {
  const draw = (tag, attributes) => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const stroke = style[theme];
  const [shape, open, dot] = style.symbol.split(/-(?=open)|(?<=open)-(?=dot)/);
  const fill = open ? "var(--rd-ground)" : stroke;
  const marker = { d: SHAPES[shape], transform: "translate(8 0)" };
  const line = { d: "M0,7H30", stroke, "stroke-width": 2 };
  const root = draw("svg", { viewBox: "0 0 30 14", width: 30, height: 14, "aria-hidden": "true" });
  root.append(
    draw("path", { ...line, "stroke-dasharray": DASHES[style.dash] }),
    draw("path", { ...marker, stroke, fill, "stroke-width": 1.4 }),
    dot ? draw("circle", { cx: 15, cy: 7, r: 1.4, fill: stroke }) : "",
  );
  return root;
}

/**
 * The legend: a box per codec, grouped by whose it is, the usual ones first.
 * @param how {wanted, theme, on(curve), choose(curves, on)}
 */
export function fillLegend(list, curves, how) {
  const groups = new Map();
  for (const curve of curves) {
    const kind = curve.kind in SECTIONS ? curve.kind : "ours";
    const better = !groups.has(curve.group) || curve.kind === "ours";
    if (better) groups.set(curve.group, { ...curve, kind });
  }
  const fits = (curve) => `${curve.label} ${curve.source}`.toLowerCase().includes(how.wanted);
  const sections = Object.entries(SECTIONS).map(([kind, title]) => {
    const entries = [...groups.values()].filter((curve) => curve.kind === kind && fits(curve));
    entries.sort((a, b) => b.on - a.on);
    return entries.length ? legendSection(title, entries, how) : "";
  });
  list.replaceChildren(...sections);
}

function legendSection(title, entries, how) {
  const any = entries.some(how.on);
  const flip = () => how.choose(entries, !any);
  const label = any ? `Hide all: ${title}` : `Show all: ${title}`;
  const all = { type: "button", class: "rd-link", "aria-label": label, onclick: flip };
  const head = make("p", { class: "rd-head" }, title, make("button", all, any ? "none" : "all"));
  const rows = entries.map((curve) => legendEntry(curve, how));
  return make("div", { role: "group", "aria-label": title }, head, ...rows);
}

function legendEntry(curve, how) {
  const choose = (event) => how.choose([curve], event.target.checked);
  const title = [curve.source, licenceOf(curve), curve.note].filter(Boolean).join("\n");
  return make(
    "label",
    { class: "rd-entry", title },
    make("input", { type: "checkbox", checked: how.on(curve), onchange: choose }),
    swatch(curve.style, how.theme),
    make("span", {}, curve.label),
    ...whose(curve),
  );
}

/** Where a published curve is from; the licence of others' weights, in full on a line of its own. */
function whose(curve) {
  if (curve.kind !== "ours") return [make("small", {}, curve.source.split("/")[0])];
  return curve.licence ? [make("small", { class: "rd-licence" }, licenceOf(curve))] : [];
}

/** BD-rates, or the sentence that says why there is none. */
export function fillBd(body, rows) {
  const name = (row) =>
    make("th", { scope: "row", title: row.source }, row.label, make("small", {}, row.origin));
  const cells = (row) =>
    row.refused
      ? [make("td", { colspan: 2, class: "rd-refused" }, row.refused)]
      : [make("td", {}, row.rate), make("td", {}, row.overlap)];
  body.replaceChildren(...rows.map((row) => make("tr", {}, name(row), ...cells(row))));
}

/** The user's files with what was found in them, each removable. */
export function fillFiles(list, files, remove) {
  const item = (file, i) => {
    const attributes = file.error ? { class: "rd-error", role: "alert" } : {};
    const away = { type: "button", class: "rd-link", onclick: () => remove(i) };
    const said = `${file.name}: ${file.error || file.summary} `;
    return make("li", attributes, said, make("button", away, "remove"));
  };
  list.replaceChildren(...files.map(item));
}

/** The points in view as a table, with a button for those that can be opened. */
export function fillPoints(body, points, axis, open) {
  const row = (point) => {
    const { curve, p, bpp, value } = point;
    const label = `Open ${curve.label} at ${shortNumber(bpp)} bpp`;
    const onclick = () => open(point);
    const button = { type: "button", class: "rd-link", "aria-label": label, onclick };
    const numbers = [shortNumber(bpp), shortNumber(value, axis.digits)];
    const texts = [...numbers, String(curve.images[p] || ""), curve.source];
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, curve.label),
      ...texts.map((text) => make("td", {}, text)),
      make("td", {}, canOpen(curve) ? make("button", button, "open") : ""),
    );
  };
  body.replaceChildren(...points.map(row));
}
