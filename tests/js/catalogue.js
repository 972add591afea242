/** A catalogue as the server sends it, with two codecs that have anchors. */

const metric = (key, label, better, digits, more) => ({
  ...{ key, label, unit: "", better, digits, stands_in_for: "" },
  ...more,
});

export const CATALOGUE = {
  samples: [],
  choices: [
    { id: "original", label: "Original", codec: "", anchor: "" },
    { id: "mode-f", label: "MoDE-F", codec: "mode", anchor: "fidelity" },
    { id: "mode-p", label: "MoDE-P", codec: "mode", anchor: "perception" },
    { id: "mode-sq", label: "MoDE sq-expert", codec: "mode", anchor: "sq-expert" },
    { id: "elic", label: "ELIC", codec: "elic", anchor: "" },
    { id: "mode-x-f", label: "Twin-F", codec: "mode-x", anchor: "fidelity" },
  ],
  blends: [
    { codec: "mode", label: "MoDE", fidelity: "mode-f", perception: "mode-p", prefix: "mode-" },
    { codec: "mode-x", label: "Twin", fidelity: "mode-x-f", perception: "mode-x-p", prefix: "mode-x-" },
  ],
  metrics: [
    metric("psnr", "PSNR", "higher", 2, { unit: "dB" }),
    metric("ms_ssim", "MS-SSIM", "higher", 4),
    metric("lpips", "LPIPS", "lower", 3),
    metric("lpips_student", "LPIPS (student)", "lower", 3, { stands_in_for: "lpips" }),
    metric("dists", "DISTS", "lower", 3),
  ],
  limits: { bpp: [0.001, 8], panes: 12, crops: 4, unequal: 0.1 },
};

/** Numbers between 0 and 1 that are the same in every run. */
export function randomFrom(seed) {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}
