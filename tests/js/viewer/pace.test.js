/** What coding will take, in words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { aboutText, secondsFor, waitingText } from "../../../app/viewer/static/pace.js";

const PACE = { elic: [[0.0655, 1], [12, 60]], mode: [[0.0655, 3]] };

test("each codec goes by the known picture nearest in size", () => {
  assert.equal(secondsFor(PACE, ["elic"], 65_500), 1);
  assert.equal(secondsFor(PACE, ["elic"], 24_000_000), 120);
  assert.equal(secondsFor(PACE, ["elic", "mode"], 65_500), 4);
  assert.equal(secondsFor(PACE, [], 65_500), 0);
});

test("what nobody has seen yet is not known", () => {
  assert.equal(secondsFor(PACE, ["elic", "dlf"], 65_500), undefined);
  assert.equal(aboutText(undefined), "");
});

test("long times are told in minutes", () => {
  assert.deepEqual([0.2, 41.4, 99, 470].map(aboutText), ["≈ 1 s", "≈ 41 s", "≈ 99 s", "≈ 8 min"]);
});

test("a pane without a picture tells what it waits for", () => {
  const text = (record, seconds = 0, asking = false) => waitingText({ since: 0.001, ...record }, asking, 1000 * seconds + 1);
  assert.equal(text({ begun: false }, 0, true), "not coded yet");
  assert.equal(text({ begun: false }), "waits");
  assert.equal(text({ begun: false, expected_s: 12 }), "waits; about 12 s");
  assert.equal(text({ begun: true, expected_s: 1 }), "coding…");
  assert.equal(text({ begun: true, expected_s: 12 }), "coding… about 12 s");
  assert.equal(text({ begun: true, expected_s: 12 }, 7), "coding… 7 s of about 12 s");
  assert.equal(text({ begun: true }, 7), "coding… 7 s");
});
