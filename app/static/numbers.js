/** The data table behind the pictures: whole-picture numbers and downloads. */

import { make } from "./panes.js";
import { METRICS, bestOf, deviationText, metricText, rateText } from "./rates.js";

const HEAD = ["Codec", "Bytes", "bpp", "Δ target", "PSNR [dB] ↑", "MS-SSIM ↑", "LPIPS ↓", "DISTS ↓"];
const TAIL = ["Encode [ms]", "Decode [ms]", "File"];
const COLUMNS = ["psnr", "ms_ssim", "lpips", "dists"];

/** Fill the table from records; `address` makes links, `picture` names the downloads. */
export function fillNumbers(table, records, address, picture) {
  const coded = records.filter((record) => record.id !== "original");
  const student = coded.some((record) => "lpips_student" in (record.metrics ?? {}));
  const columns = COLUMNS.map((name) => (name === "lpips" && student ? "lpips_student" : name));
  const best = Object.fromEntries(
    columns.map((name) => [name, bestOf(coded.map((one) => one.metrics?.[name]), METRICS[name].better)]),
  );
  const head = make("tr");
  const words = HEAD.map((text) => (student ? text.replace("LPIPS", "LPIPS (student)") : text));
  for (const text of [...words, ...TAIL]) {
    const cell = make("th", "", text);
    cell.scope = "col";
    head.append(cell);
  }
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(
    ...coded.map((record) => row(record, columns, best, address, picture)),
  );
}

function row(record, columns, best, address, picture) {
  const line = make("tr");
  const name = make("th", "", record.label);
  name.scope = "row";
  if (record.licence) name.append(make("small", "", `weights: ${record.licence}`));
  line.append(name);
  if (record.state !== "ready") {
    const cell = make("td", "why", record.error || "coding…");
    cell.colSpan = HEAD.length + TAIL.length - 1;
    line.append(cell);
    return line;
  }
  const off = typeof record.deviation === "number" ? deviationText(record.deviation) : "–";
  const bytes = record.bytes.toLocaleString("en").replaceAll(",", "\u202f");
  for (const text of [bytes, rateText(record.bpp), off]) line.append(make("td", "", text));
  for (const metric of columns) line.append(valueCell(record, metric, best[metric]));
  for (const ms of [record.encode_ms, record.decode_ms]) {
    line.append(make("td", "", typeof ms === "number" ? String(Math.round(ms)) : "–"));
  }
  line.append(linksCell(record, address, picture));
  return line;
}

function valueCell(record, metric, best) {
  const value = record.metrics?.[metric];
  const top = value !== undefined && (value === best || (value === "inf" && best === Infinity));
  const pending = !record.missing || !(metric in record.missing);
  const cell = make("td", top ? "best" : "");
  cell.textContent = value === undefined && pending ? "…" : metricText(metric, value);
  if (top) cell.append(make("span", "sr-only", " best"));
  cell.title = record.missing?.[metric] ?? (top ? "best of those shown" : "");
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
