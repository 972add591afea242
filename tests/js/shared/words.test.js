/** Small sums and phrases that both parts of the page use. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { clamp, further } from "../../../app/shared/arithmetic.js";
import { counted, licenceOf } from "../../../app/shared/phrases.js";

test("a number is kept between two others, a list is walked round", () => {
  assert.deepEqual([-1, 5, 12].map((value) => clamp(value, 0, 10)), [0, 5, 10]);
  assert.deepEqual([1, 2, -1].map((steps) => further(["a", "b", "c"], "b", steps)), ["c", "a", "a"]);
});

test("one is no plural, and only weights with terms have some", () => {
  assert.deepEqual([1, 2].map((count) => counted(count, "curve")), ["1 curve", "2 curves"]);
  assert.equal(licenceOf({ licence: "CC-BY-NC 4.0" }), "weights: CC-BY-NC 4.0");
  assert.equal(licenceOf({}), "");
});
