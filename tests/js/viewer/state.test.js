import assert from "node:assert/strict";
import { test } from "node:test";
import * as states from "../../../app/viewer/static/state.js";
import { CATALOGUE } from "../catalogue.js";

const share = states.shareOf(CATALOGUE);
const read = (hash) => states.readLink(share, hash, CATALOGUE);

test("a link written by hand names the blend in one way only", () => {
  assert.equal(read("#panes=original,mode-f,mode-0.3").anchor, 0.3);
  assert.deepEqual(read("#panes=original,mode-f&anchor=0.7").panes, ["original", "mode-f", "mode-0.7"]);
  assert.deepEqual(read("#panes=original,webp&anchor=0").panes, ["original", "webp"]);
  assert.deepEqual(read("#anchor=0.5").panes, []);
  assert.equal(read("#panes=mode-x-0.25").anchor, 0.25);
});

test("links made before go on working", () => {
  const link = "#image=coffee&bpp=0.2&panes=original,mode-f,mode-0.35,mode-sq&pick=mode-sq";
  const state = read(link);
  assert.deepEqual(state.panes, ["original", "mode-f", "mode-0.35", "mode-sq"]);
  assert.deepEqual([state.image, state.bpp, state.anchor, state.pick], ["coffee", 0.2, 0.35, "mode-sq"]);
});

test("what makes no sense in a link is left at its start", () => {
  const state = read("#bpp=NaN&scale=-1&cx=1e999&gain=%00&panes=,,,&image=__proto__&mode={{bad}}");
  assert.deepEqual(state, { ...states.START, scale: 1 / 32 });
  assert.equal(read("#bpp=50").bpp, 8);
});

test("panes that there are not are left out of a link, and named", () => {
  const told = (hash) => [read(hash).panes, states.remarkOn(hash, CATALOGUE)];
  const [panes, words] = told("#panes=original,mode-f,foo,mode-0.5x,<img>");
  assert.deepEqual(panes, ["original", "mode-f"]);
  assert.equal(words, "Left out, there is no such pane here: “foo”, “mode-0.5x”, “<img>”.");
  // Whether weights are on the server is for the server to say, in the pane.
  const elsewhere = ["original", "elic.public", "mode.public-f", "mode-sq"];
  assert.deepEqual(told(`#panes=${elsewhere}`), [elsewhere, ""]);
  assert.deepEqual(told("#bpp=0.2"), [[], ""]);
  assert.match(told(`#panes=a,b,c,d,${"e".repeat(99)}`)[1], /“c”, ….$/);
});

test("a rate that cannot be is not called a pane that is not there", () => {
  const told = (hash) => [read(hash).panes, states.remarkOn(hash, CATALOGUE)];
  const rates = "a rate is a number between 0.001 and 8, as 0.05";
  assert.deepEqual(told("#panes=elic@0.2,dlf@9999,elic@x,elic@,mode-0.5@9"), [
    ["elic@0.2"], `Left out, ${rates}: “dlf@9999”, “elic@x”, “elic@”, ….`,
  ]);
  assert.deepEqual(told("#panes=foo,elic@0,foo@x,original@0.2"), [
    ["original"],
    `Left out, there is no such pane here: “foo”, “foo@x”; ${rates}: “elic@0”; what is not coded has no rate: “original@0.2”.`,
  ]);
});

test("a common rate that cannot be is said to be another one", () => {
  const told = (hash) => [read(hash).bpp, states.remarkOn(hash, CATALOGUE)];
  const remark = (taken, text) => `The rate is ${taken} instead of “${text}”, which is no number between 0.001 and 8.`;
  for (const [text, taken] of [["abc", 0.1], ["", 0.1], ["1e999", 0.1], ["-5", 0.001], ["50", 8]]) {
    assert.deepEqual(told(`#bpp=${text}`), [taken, remark(taken, text)]);
  }
  for (const [text, taken] of [["0.2", 0.2], ["0,2", 0.2], ["8", 8], ["0.1234567", 0.123457]]) {
    assert.deepEqual(told(`#bpp=${text}`), [taken, ""]);
  }
  const both = states.remarkOn("#panes=foo&bpp=abc", CATALOGUE);
  assert.equal(both, `Left out, there is no such pane here: “foo”. ${remark(0.1, "abc")}`);
});

test("a link with more panes than are shown says so", () => {
  const { panes: most } = CATALOGUE.limits;
  const link = (count) => `#panes=${Array.from({ length: count }, (_, i) => `elic@0.${100 + i}`).join(",")}`;
  assert.equal(states.remarkOn(link(most), CATALOGUE), "");
  assert.equal(share.read(link(most + 1)).panes.length, most);
  assert.equal(states.remarkOn(link(most + 1), CATALOGUE), `Of the ${most + 1} panes in the link only the first ${most} are read.`);
});

test("a step is another picture, rate, mode or set of panes, and nothing that the server chose", () => {
  const state = { ...states.NOTHING, image: "coffee", panes: ["original", "mode-f", "mode-0.3"] };
  const isStep = (change, before = state) => states.isStep(before, { ...before, ...change }, CATALOGUE);
  for (const change of [{ image: "rocket" }, { bpp: 0.2 }, { mode: "diff" }, { panes: ["original"] }]) {
    assert.ok(isStep(change), JSON.stringify(change));
  }
  for (const change of [{}, { cx: 0.1, scale: 2 }, { gain: 8 }, { pins: [[0, 0, 1]] }, { fit: true }]) {
    assert.ok(!isStep(change), JSON.stringify(change));
  }
  assert.ok(!isStep({ panes: ["original", "mode-f", "mode-0.35"], anchor: 0.35 }), "a blend that moves");
  assert.ok(!isStep({ panes: ["original"] }, { ...state, panes: [] }), "the server's choice");
});

test("a new scale ends the fit, and the reach of somebody else", () => {
  const fitted = states.changed(states.NOTHING, { fit: true, scale: 0 });
  assert.ok(fitted.fit && states.changed(fitted, { cx: 0.2 }).fit);
  assert.ok(!states.changed(fitted, { scale: 2 }).fit);
  const reaching = states.changed(states.NOTHING, { scale: 2, reach: { width: 9, height: 9 } });
  assert.ok(reaching.reach && states.changed(reaching, { gain: 8 }).reach);
  assert.equal(states.changed(reaching, { scale: 2 }).reach, null);
});

test("after a change, modes that need a pane by name have one that is there", () => {
  const state = states.changed(states.NOTHING, { panes: ["original", "jpeg", "webp"] });
  assert.deepEqual([state.pick, state.a, state.b, state.against], ["jpeg", "original", "jpeg", "original"]);
  const fewer = states.changed({ ...state, pick: "webp", b: "webp" }, { panes: ["jpeg", "original"] });
  assert.deepEqual([fewer.pick, fewer.a, fewer.b], ["original", "original", "jpeg"]);
});

test("nobody writes to a state", () => {
  const state = states.changed(states.NOTHING, { bpp: 0.2 });
  assert.throws(() => (state.bpp = 0.3), TypeError);
  assert.equal(states.NOTHING.bpp, 0.1);
});

test("each mode shows its panes", () => {
  const state = { ...states.NOTHING, panes: ["original", "jpeg", "webp"], pick: "webp", a: "jpeg", b: "gone" };
  const shown = (mode) => states.visiblePanes({ ...state, mode });
  assert.deepEqual(shown("grid"), state.panes);
  assert.deepEqual(shown("single"), ["webp"]);
  assert.deepEqual(shown("swipe"), ["jpeg", "original"]);
});
