/** What coding will take, in words. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { aboutText, progressText, secondsFor, waitingText } from "../../../app/viewer/static/pace.js";

// The server is tested with the same numbers: tests/server/test_pace.py.
const { sent, expected } = JSON.parse(readFileSync(new URL("../pace.json", import.meta.url), "utf8"));

test("browser and server expect the same", () => {
  for (const { pictures, pixels, seconds } of expected) {
    const files = Object.entries(pictures).map(([codec, count]) => ({ codec, pictures: count }));
    const told = secondsFor(sent, files, pixels);
    if (seconds === null) assert.equal(told, undefined);
    else assert.ok(Math.abs(told - seconds) < 0.003, `${JSON.stringify(pictures)} ${pixels}: ${told}, not ${seconds}`);
  }
});

test("what nobody has seen yet is not known", () => {
  assert.equal(secondsFor({}, [{ codec: "elic", pictures: 1 }], 65_500), undefined);
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
  assert.equal(text({ begun: true, decodes: true, expected_s: 12 }, 7), "decoding… 7 s of about 12 s");
  assert.equal(text({ begun: false, decodes: true }), "waits");
});

test("the status line tells who comes first, then what is done", () => {
  const pane = (state, more = {}) => ({ id: "mode-f", state, ...more });
  const text = (more) => progressText({ panes: [], position: null, has_original: false, others: true, done: false, note: "", bpp: 0.1, ...more });
  assert.equal(text({ position: 2, wait_s: 40 }), "Busy, position 2: others come first, for ≈ 40 s");
  assert.equal(text({ position: 1, wait_s: 1, panes: [pane("waiting")] }), "Busy, position 1: others come first");
  assert.equal(text({ position: 1, wait_s: 9, others: false }), "The server is getting ready… ≈ 9 s");
  assert.equal(text({ position: 1, wait_s: 1, others: false }), "The server is getting ready…");
  assert.equal(text({ panes: [pane("waiting", { expected_s: 12 })] }), "Decoding… ≈ 12 s");
  assert.equal(text({ panes: [pane("waiting", { expected_s: 1 })] }), "Decoding…");
  assert.equal(text({ panes: [pane("waiting")] }), "Decoding…");
  assert.equal(text({ panes: [pane("ready"), pane("ready")], done: true }), "2 pictures in this file.");
  const coding = { has_original: true, panes: [pane("ready"), pane("waiting"), pane("failed")] };
  assert.equal(text(coding), "1 of 3 panes at 0.1 bpp…");
  assert.equal(text({ ...coding, done: true, note: "Without DLF: why." }), "1 of 3 panes at 0.1 bpp, 1 failed. Without DLF: why.");
});
