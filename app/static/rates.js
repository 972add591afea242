/** Rates on a logarithmic slider, and numbers in words. Pure. */

export const LOW = 0.01;
export const HIGH = 1;
export const STEPS = 200;
export const PRESETS = [
  { bpp: 0.02, name: "extreme" },
  { bpp: 0.05, name: "low" },
  { bpp: 0.1, name: "" },
  { bpp: 0.2, name: "" },
  { bpp: 0.5, name: "high" },
];
/** Beyond this deviation two files are not the same size. */
export const NOT_EQUAL = 0.1;

/** Rate at a slider position, with no more digits than matter. */
export function rateAt(position) {
  return Number((LOW * (HIGH / LOW) ** (position / STEPS)).toPrecision(3));
}

/** Slider position of a rate; the nearest end outside. */
export function positionOf(bpp) {
  const share = Math.log(bpp / LOW) / Math.log(HIGH / LOW);
  return Math.round(STEPS * Math.min(1, Math.max(0, share)));
}

export function bytesText(bytes) {
  if (bytes < 10_000) return `${Math.round(bytes).toLocaleString("en").replace(",", "\u202f")} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export const rateText = (bpp) => (bpp < 1 ? bpp.toFixed(4) : bpp.toFixed(3));

export function deviationText(deviation) {
  const percent = 100 * deviation;
  const digits = Math.abs(percent) < 0.95 ? 1 : 0;
  const text = Math.abs(percent).toFixed(digits);
  return Number(text) === 0 ? "±0 %" : `${percent > 0 ? "+" : "−"}${text} %`;
}

export const METRICS = {
  psnr: { label: "PSNR", unit: "dB", digits: 2, better: 1 },
  ms_ssim: { label: "MS-SSIM", unit: "", digits: 4, better: 1 },
  lpips: { label: "LPIPS", unit: "", digits: 3, better: -1 },
  lpips_student: { label: "LPIPS (student)", unit: "", digits: 3, better: -1 },
  dists: { label: "DISTS", unit: "", digits: 3, better: -1 },
};

export function metricText(name, value) {
  if (value === "inf") return "∞";
  return typeof value === "number" ? value.toFixed(METRICS[name].digits) : "–";
}

/** Whether a pane may be called the best: at another size than was asked for that means nothing. */
export const competes = ({ deviation }) => !(Math.abs(deviation ?? 0) > NOT_EQUAL);

/** The best of some values, or undefined: fewer than two is no contest. */
export function bestOf(values, better) {
  const numbers = values
    .map((value) => (value === "inf" ? Infinity : value))
    .filter((value) => typeof value === "number");
  if (numbers.length < 2) return undefined;
  return better > 0 ? Math.max(...numbers) : Math.min(...numbers);
}
