import assert from "node:assert/strict";
import { test } from "node:test";
import { openPoint } from "../../../app/viewer/static/coding.js";

test("a point of theirs opens what they decoded, though its codec may be called as one of ours", () => {
  const asked = /** @type {unknown[]} */ ([]);
  const viewer = { beside: { point: (/** @type {string[]} */ point) => asked.push(point) } };
  openPoint(/** @type {any} */ (viewer), /** @type {any} */ ({ kind: "theirs", dataset: "kodak", codec: "elic", rate: "q1" }));
  assert.deepEqual(asked, [["kodak", "elic", "q1"]]);
});
