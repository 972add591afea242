/** Which picture is shown, by what is tapped or held. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Flipping, TAP_MS } from "../../../app/blind/static/flipping.js";

test("a tap flips for good, and both have been seen", () => {
  const one = new Flipping();
  assert.equal(one.knowsBoth, false);
  one.painted(false);
  one.press("other", 0);
  one.release(TAP_MS - 1);
  assert.equal(one.knowsBoth, false); // it was asked for, and is not on the screen yet
  one.painted(false);
  assert.deepEqual([one.shown, one.side, one.flips, one.knowsBoth], ["right", "right", 1, true]);
  one.press("other", 1000);
  one.release(1001);
  assert.deepEqual([one.shown, one.flips], ["left", 2]);
});

test("what is held is there until it is let go", () => {
  const one = new Flipping();
  one.press("other", 0);
  assert.equal(one.shown, "right");
  one.release(TAP_MS);
  assert.deepEqual([one.shown, one.side, one.flips], ["left", "left", 2]);
});

test("the original does not count as a flip, and leads back to the same side", () => {
  const one = new Flipping();
  one.turn("right");
  one.press("original", 0);
  one.release(TAP_MS);
  assert.equal(one.shown, "right");
  one.press("original", 1000);
  one.release(1001);
  assert.equal(one.shown, "original");
  one.press("original", 2000);
  one.release(2001);
  assert.deepEqual([one.shown, one.flips], ["right", 1]);
  one.press("original", 3000);
  one.release(3001);
  one.press("other", 4000);
  one.release(4001);
  assert.equal(one.shown, "right");
});

test("a key that repeats or a second finger changes nothing while another is held", () => {
  const one = new Flipping();
  one.press("other", 0);
  one.press("original", 10);
  assert.equal(one.shown, "right");
  one.release(500);
  one.release(501);
  assert.equal(one.shown, "left");
});

test("beside each other both are seen at once, but not before they are painted", () => {
  const one = new Flipping();
  assert.equal(one.knowsBoth, false);
  one.painted(true);
  assert.equal(one.knowsBoth, true);
});
