/** The legend of the plot: a box per codec with its line and marker, grouped by whose it is. */

import { make, makeButton, makeSvg } from "../../shared/dom.js";
import { licenceOf } from "../../shared/phrases.js";
import { isOn } from "./state.js";

/** @type {Record<string, string>} */
const DASHES = {
  solid: "", dash: "6 3", dot: "2 3", dashdot: "6 2 2 2", longdash: "10 3", longdashdot: "9 2 2 2",
};
const SECTIONS = {
  yours: "Yours", live: "Measured now", stored: "From the results", ours: "Measured here", theirs: "Theirs: measured here from their pictures",
  opened: "Opened pictures", published: "Published",
};

/** The corner points of a polygon or star around (7, 7), as path data. @param {number} count */
function ngon(count, turn = 0, inner = 1) {
  const total = inner < 1 ? count * 2 : count;
  const corner = (/** @type {unknown} */ _, /** @type {number} */ i) => {
    const angle = (i / total) * 2 * Math.PI - Math.PI / 2 + turn;
    const radius = i % 2 && inner < 1 ? 5 * inner : 5;
    return [7 + radius * Math.cos(angle), 7 + radius * Math.sin(angle)].map((x) => x.toFixed(2));
  };
  return `M${Array.from({ length: total }, corner).join("L")}Z`;
}

/** Outlines of the Plotly symbols in use. @type {Record<string, string>} */
const SHAPES = {
  circle: "M12,7A5,5 0 1 1 2,7A5,5 0 1 1 12,7Z",
  diamond: ngon(4),
  square: ngon(4, Math.PI / 4),
  "triangle-up": ngon(3),
  "triangle-down": ngon(3, Math.PI),
  "triangle-right": ngon(3, Math.PI / 2),
  pentagon: ngon(5),
  hexagon: ngon(6),
  star: ngon(5, 0, 0.45),
  cross: "M5.5,2H8.5V5.5H12V8.5H8.5V12H5.5V8.5H2V5.5H5.5Z",
  x: "M3,5L5,3L7,5L9,3L11,5L9,7L11,9L9,11L7,9L5,11L3,9L5,7Z",
  bowtie: "M2,3L12,11V3L2,11Z",
  hourglass: "M3,2H11L3,12H11Z",
  "diamond-tall": "M7,0.8L10.1,7L7,13.2L3.9,7Z",
};

/** The swatch of a legend entry: its dash and its marker. @param {Style} style @param {boolean} dark */
function swatch(style, dark) {
  const stroke = dark ? style.dark : style.light;
  const [shape, open, dot] = style.symbol.split(/-(?=open)|(?<=open)-(?=dot)/);
  const fill = open ? "var(--rd-ground)" : stroke;
  const dashes = { "stroke-dasharray": DASHES[style.dash], "stroke-width": 2 };
  const marker = { d: SHAPES[shape], transform: "translate(8 0)", "stroke-width": 1.4 };
  return makeSvg(
    "svg",
    { viewBox: "0 0 30 14", width: 30, height: 14, "aria-hidden": "true" },
    makeSvg("path", { d: "M0,7H30", stroke, ...dashes }),
    makeSvg("path", { ...marker, stroke, fill }),
    dot ? makeSvg("circle", { cx: 15, cy: 7, r: 1.4, fill: stroke }) : "",
  );
}

/** The usual curves come first. @param {Explorer} explorer @param {Curve[]} curves */
export function fillLegend(explorer, curves) {
  const groups = /** @type {Map<string, Curve>} */ (new Map());
  for (const curve of curves) {
    const kind = curve.kind in SECTIONS ? curve.kind : "ours";
    if (curve.kind === "ours" || !groups.has(curve.group)) groups.set(curve.group, { ...curve, kind });
  }
  const wanted = explorer.part("find", HTMLInputElement).value.trim().toLowerCase();
  const fits = (/** @type {Curve} */ { label, source }) =>
    `${label} ${source}`.toLowerCase().includes(wanted);
  const sections = Object.entries(SECTIONS).map(([kind, title]) => {
    const entries = [...groups.values()].filter((curve) => curve.kind === kind && fits(curve));
    entries.sort((a, b) => Number(b.on) - Number(a.on));
    return entries.length ? legendSection(title, entries, explorer) : "";
  });
  explorer.part("list").replaceChildren(...sections);
}

/** @param {string} title @param {Curve[]} entries @param {Explorer} explorer */
function legendSection(title, entries, explorer) {
  const any = entries.some((curve) => isOn(curve, explorer.state));
  const label = any ? `Hide all: ${title}` : `Show all: ${title}`;
  const onclick = () => explorer.choose(entries, !any);
  const all = makeButton({ class: "rd-link", "aria-label": label, onclick }, any ? "none" : "all");
  const head = make("p", { class: "rd-head" }, title, all);
  const rows = entries.map((curve) => legendEntry(curve, explorer));
  return make("div", { role: "group", "aria-label": title }, head, ...rows);
}

function legendEntry(/** @type {Curve} */ curve, /** @type {Explorer} */ explorer) {
  const title = [curve.source, licenceOf(curve), curve.note].filter(Boolean).join("\n");
  const onchange = () => explorer.choose([curve], box.checked);
  const box = make("input", { type: "checkbox", checked: isOn(curve, explorer.state), onchange });
  const parts = [box, swatch(curve.style, explorer.dark), make("span", {}, curve.label), whose(curve)];
  const mine = curve.kind === "yours" ? " rd-mine" : "";
  return make("label", { class: `rd-entry${mine}`, title }, ...parts);
}

/** Where a published curve is from; the licence of others' weights, in full on a line of its own. */
function whose(/** @type {Curve} */ curve) {
  if (["theirs", "opened", "stored"].includes(curve.kind)) return ""; // their section says it
  if (!["ours", "live"].includes(curve.kind)) return make("small", {}, curve.source.split("/")[0]);
  return curve.licence ? make("small", { class: "rd-licence" }, licenceOf(curve)) : "";
}
