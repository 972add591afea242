/** Answers that outlive a reload. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { actOf } from "../../../app/blind/static/keys.js";
import { Sitting, Watch } from "../../../app/blind/static/sitting.js";

function storage() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text), kept };
}

test("a reload goes on where the answers end, and one can be taken back", () => {
  const place = storage();
  const first = new Sitting("t1", place);
  first.join("me");
  first.take({ answer: "left" });
  first.take({ answer: "right" });
  first.undo();
  const again = new Sitting("t1", place);
  assert.deepEqual([again.rater, again.next, again.answers], ["me", 1, [{ answer: "left" }]]);
  assert.equal(new Sitting("t2", place).next, 0);
  again.join("me");
  assert.equal(again.next, 1);
  again.join("another"); // the server knows no such rater any more
  assert.equal(again.next, 0);
});

test("what is kept makes sense or counts as nothing, and no storage is no failure", () => {
  for (const text of ["", "7", "null", "{", '{"rater": 7, "answers": []}', '{"rater": "a", "answers": 7}']) {
    const place = storage();
    place.setItem("mode-blind-t", text);
    assert.deepEqual(new Sitting("t", place).answers, []);
  }
  const nowhere = new Sitting("t", null);
  nowhere.take({ answer: "left" });
  assert.equal(nowhere.next, 1);
});

test("a sealed file has answers, and no more than that", () => {
  const one = new Sitting("t", storage());
  one.join("me");
  one.take({ answer: "left", seconds: 2 });
  assert.deepEqual(JSON.parse(one.sealed()), { test: "t", rater: "me", answers: [{ answer: "left", seconds: 2 }] });
});

test("only seconds in which somebody could look are counted", () => {
  const watch = new Watch();
  watch.go(0);
  watch.stop(2000);
  watch.stop(3000);
  watch.go(60_000);
  watch.go(61_000);
  assert.equal(watch.seconds(62_040), 4);
});

test("keys answer, and arrows move the picture with Shift alone", () => {
  const act = (key, shiftKey = false) => actOf({ key, shiftKey });
  assert.deepEqual(act("B"), { name: "answer", argument: "right" });
  assert.deepEqual(act("0"), { name: "answer", argument: "unsure" });
  assert.deepEqual(act("ArrowLeft"), { name: "turn", argument: "left" });
  assert.deepEqual(act("ArrowLeft", true), { name: "pan", argument: [-1, 0] });
  assert.equal(act("ArrowUp").name, "pan");
  assert.equal(act("q"), null);
});

test("two tabs of one rater lose no answer, and none is given twice", () => {
  const place = storage();
  const one = new Sitting("t", place);
  one.join("me");
  const two = new Sitting("t", place);
  two.join("me");
  assert.equal(one.take({ answer: "left" }), true);
  assert.equal(one.take({ answer: "right" }), true);
  assert.equal(two.take({ answer: "unsure" }), false);
  assert.equal(two.next, 2);
  assert.equal(two.undo(), true);
  assert.equal(one.undo(), false);
  assert.equal(one.next, 1);
  assert.equal(one.moved(), false);
});

test("a tab that joins as another rater does not wipe the answers of the first", () => {
  const place = storage();
  const late = new Sitting("t", place);
  const one = new Sitting("t", place);
  one.join("me");
  one.take({ answer: "left" });
  assert.equal(late.join("another"), false);
  assert.equal(new Sitting("t", place).next, 1);
});

test("a full storage loses nothing while the page is open", () => {
  const place = storage();
  const one = new Sitting("t", place);
  one.join("me");
  place.setItem = () => {
    throw new Error("full");
  };
  one.take({ answer: "left" });
  one.take({ answer: "right" });
  assert.equal(one.next, 2);
});

test("no number is above what the server takes", () => {
  const one = new Sitting("t", null);
  one.take({ answer: "left", seconds: 1e6, flips: 2, zoom: 65, ratio: 20 });
  assert.deepEqual(one.answers, [{ answer: "left", seconds: 86_400, flips: 2, zoom: 64, ratio: 16 }]);
});
