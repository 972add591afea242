/** The data table behind the pictures: whole-picture numbers and downloads. */

import { make } from "./panes.js";
import { METRICS, bestOf, competes, deviationText, metricText, rateText } from "./rates.js";

const ms = (value) => String(Math.round(value));
const grouped = (value) => value.toLocaleString("en").replaceAll(",", "\u202f");

/** A column: its heading, its value and text in a record, and which way is better (0: neither). */
const plain = (head, field, text, better) => ({
  head,
  better,
  value: (record) => record[field] ?? undefined,
  text: (value) => (typeof value === "number" ? text(value) : "–"),
});
const metric = (head, name) => ({
  head,
  better: METRICS[name].better,
  value: (record) => record.metrics?.[name],
  text: (value, record) =>
    value === undefined && !(name in (record.missing ?? {})) ? "…" : metricText(name, value),
  why: (record) => record.missing?.[name],
});

function columnsFor(records) {
  const student = records.some((record) => "lpips_student" in (record.metrics ?? {}));
  return [
    plain("Bytes", "bytes", grouped, 0),
    plain("bpp", "bpp", rateText, 0),
    plain("Δ target", "deviation", deviationText, 0),
    metric("PSNR [dB] ↑", "psnr"),
    metric("MS-SSIM ↑", "ms_ssim"),
    student ? metric("LPIPS (student) ↓", "lpips_student") : metric("LPIPS ↓", "lpips"),
    metric("DISTS ↓", "dists"),
    plain("Encode [ms]", "encode_ms", ms, -1),
    plain("Decode [ms]", "decode_ms", ms, -1),
  ];
}

/** Fill the table from records; `address` makes links, `picture` names the downloads. */
export function fillNumbers(place, records, address, picture) {
  const coded = records.filter((record) => record.id !== "original");
  const columns = columnsFor(coded).map((column) => ({
    ...column,
    best: column.better ? bestOf(coded.filter(competes).map(column.value), column.better) : undefined,
  }));
  fillTable(place.querySelector("table"), coded, columns, { address, picture });
  place.querySelector(".notes").textContent = notesOn(coded).join(" ");
}

/** What a reader must know about the columns: estimates, and why one is empty. */
function notesOn(records) {
  const ready = records.filter(({ state }) => state === "ready");
  const missing = Object.assign({}, ...ready.map((record) => record.missing));
  const of = (reason) => Object.keys(METRICS).filter((name) => missing[name] === reason);
  const notes = [...new Set(Object.values(missing))].map(
    (why) => `No ${of(why).map((name) => METRICS[name].label).join(", ")}: ${why}.`,
  );
  if (ready.some(({ metrics }) => "lpips_student" in (metrics ?? {}))) {
    notes.push("LPIPS (student) is an estimate of LPIPS by a small network that comes with this page.");
  }
  if (!ready.every(competes)) notes.push("What misses the size by more than 10 % is not compared.");
  return notes;
}

function fillTable(table, coded, columns, { address, picture }) {
  const head = make("tr");
  for (const text of ["Codec", ...columns.map((column) => column.head), "File"]) {
    const cell = make("th", "", text);
    cell.scope = "col";
    head.append(cell);
  }
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(
    ...coded.map((record) => row(record, columns, () => linksCell(record, address, picture))),
  );
}

function row(record, columns, links) {
  const line = make("tr");
  const name = make("th", "", record.label);
  name.scope = "row";
  if (record.licence) name.append(make("small", "", `weights: ${record.licence}`));
  line.append(name);
  if (record.state === "ready") {
    line.append(...columns.map((column) => valueCell(record, column)), links());
    return line;
  }
  const cell = make("td", "why", record.error || "coding…");
  cell.colSpan = columns.length + 1;
  line.append(cell);
  return line;
}

function valueCell(record, { value, text, why, best }) {
  const own = value(record);
  const top =
    own !== undefined && competes(record) && (own === best || (own === "inf" && best === Infinity));
  const cell = make("td", top ? "best" : "", text(own, record));
  if (top) cell.append(make("span", "sr-only", " best"));
  cell.title = why?.(record) ?? (top ? "best of those shown" : "");
  return cell;
}

function linksCell(record, address, picture) {
  const cell = make("td", "links");
  const rate = rateText(record.bpp);
  for (const [text, url] of [["PNG", record.url], [".mode", record.file_url]]) {
    if (!url) continue;
    const link = make("a", "", text);
    const name = `${picture}-${record.id}-${rate}bpp`;
    link.href = `${address(url)}?name=${encodeURIComponent(name)}`;
    link.ariaLabel = `Download ${record.label} as ${text}`;
    cell.append(link, " ");
  }
  return cell;
}
