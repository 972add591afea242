/** The server's catalogue, with a second codec that has anchors. */

import { readFileSync } from "node:fs";

// The server still says each line of it: tests/viewer/test_catalogue.py; tests/make_catalogue.py writes it.
const stored = JSON.parse(readFileSync(new URL("catalogue.json", import.meta.url), "utf8"));
const twin = { codec: "mode-x", label: "Twin", fidelity: "mode-x-f", perception: "mode-x-p", prefix: "mode-x-" };

export const CATALOGUE = {
  ...stored,
  choices: [...stored.choices, { id: "mode-x-f", label: "Twin-F", codec: "mode-x", anchor: "fidelity" }],
  blends: [...stored.blends, twin],
};

/** Numbers between 0 and 1 that are the same in every run. */
export function randomFrom(seed) {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}
