import assert from "node:assert/strict";
import { test } from "node:test";
import { isOn, isShown, shareOf, withChosen } from "../../../app/explorer/static/state.js";

const { start } = shareOf({ dataset: "kodak", metric: "psnr" });
const usual = { group: "ours/elic", kind: "ours", on: true };
const other = { group: "published/x", kind: "published", on: false };

test("the state names only entries that are not as they would be anyway", () => {
  const off = { ...start, ...withChosen(start, [usual], false) };
  assert.deepEqual([off.on, off.off], [[], ["ours/elic"]]);
  assert.ok(!isOn(usual, off));
  const back = { ...off, ...withChosen(off, [usual, other], true) };
  assert.deepEqual([back.on, back.off], [["published/x"], []]);
  assert.ok(isOn(usual, back) && isOn(other, back));
});

test("a picture's own curves can be left out", () => {
  const own = { ...usual, kind: "picture" };
  assert.ok(isShown(own, start));
  assert.ok(!isShown(own, { ...start, own: false }));
});
