/** Panes with a rate of their own. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { isKnown, movedBlends, pushedOut, withBlends } from "../../../app/viewer/static/blends.js";
import { bestInView, notesOn } from "../../../app/viewer/static/numbers.js";
import * as rated from "../../../app/viewer/static/rated.js";
import { START, isStep, readLink, remarkOn, replaced, shareOf } from "../../../app/viewer/static/state.js";
import { CATALOGUE } from "../catalogue.js";

const OPENED = `opened-${"0".repeat(32)}`;
const SIZE = { width: 768, height: 512 };

test("a pane's name says its rate", () => {
  assert.equal(rated.atRate("mode-f", 0.05), "mode-f@0.05");
  assert.equal(rated.atRate("mode-f@0.05", 0.1), "mode-f@0.1");
  assert.equal(rated.atRate("mode-f@0.05", null), "mode-f");
  assert.equal(rated.atRate("mode-0.35", 1 / 3), "mode-0.35@0.333333");
  assert.deepEqual([rated.baseOf("mode-0.35@.05"), rated.ownRateOf("mode-0.35@.05")], ["mode-0.35", 0.05]);
  assert.deepEqual([rated.baseOf("elic"), rated.ownRateOf("elic")], ["elic", null]);
});

test("a label says the rate, and can do without", () => {
  assert.equal(rated.ratedLabel("MoDE-F", "mode-f@0.050"), "MoDE-F at 0.05 bpp");
  assert.equal(rated.baseLabel("MoDE-F at 0.05 bpp", "mode-f@0.05"), "MoDE-F");
  assert.equal(rated.baseLabel("shot at 0.05 bpp", OPENED), "shot at 0.05 bpp");
});

test("only what is coded has one", () => {
  for (const pane of ["original", OPENED]) assert.equal(rated.atRate(pane, 0.05), pane);
});

test("such a pane is known where its codec is, at a rate that there is", () => {
  for (const pane of ["mode-f@0.05", "mode-0.35@0.05", "elic@8", "ms-illm.public@0.1"]) assert.ok(isKnown(pane, CATALOGUE), pane);
  for (const pane of ["elic@9", "elic@0.0001", "elic@", "foo@0.1", "original@0.1", `${OPENED}@0.1`, "elic@0.1@0.2"]) {
    assert.ok(!isKnown(pane, CATALOGUE), pane);
  }
});

test("a link holds it, and one by hand means the same", () => {
  const share = shareOf(CATALOGUE);
  const panes = ["original", "mode-f", "mode-f@0.05"];
  const hash = share.into("", { ...share.start, panes });
  assert.equal(hash, "#panes=original,mode-f,mode-f@0.05");
  assert.deepEqual(readLink(share, hash, CATALOGUE).panes, panes);
  const byHand = readLink(share, "#panes=elic@0.050,elic@.05,elic@0.1", CATALOGUE);
  assert.deepEqual(byHand.panes, ["elic@0.05", "elic@0.1"]);
  const small = { ...share.start, panes: ["elic@0.00123456", "elic@0.00512345"] };
  assert.deepEqual(readLink(share, share.into("", small), CATALOGUE).panes, small.panes);
  assert.match(remarkOn("#panes=elic,elic@9", CATALOGUE), /“elic@9”/);
});

test("the anchor moves a codec at each size that it stands at", () => {
  const moved = (panes, anchor) => withBlends(panes, anchor, CATALOGUE);
  assert.deepEqual(moved(["original", "mode-p@0.2", "webp"], 0.95), ["original", "mode-p@0.2", "mode-0.95@0.2", "webp"]);
  assert.deepEqual(moved(["mode-0.35@0.05", "mode-f"], 0.5), ["mode-0.5@0.05", "mode-f", "mode-0.5"]);
  assert.deepEqual(moved(["mode-f", "mode-0.5", "mode-f@0.2", "mode-0.5@0.2"], 1), ["mode-f", "mode-f@0.2"]);
  assert.deepEqual(movedBlends(["mode-p@0.2"], CATALOGUE.blends).map(({ codec }) => codec), ["mode"]);
});

test("a link to a blend at a size of its own opens no other blend", () => {
  const linked = readLink(shareOf(CATALOGUE), "#anchor=0.5&panes=original,mode-0.5@0.2,jpeg", CATALOGUE);
  assert.deepEqual(linked.panes, ["original", "mode-0.5@0.2", "jpeg"]);
  assert.equal(linked.anchor, 0.5);
});

test("no pane is pushed out by a blend without a word", () => {
  const many = ["mode-p", ...[...Array(11)].map((_, i) => `jpeg@0.${i + 11}`)];
  assert.deepEqual(pushedOut(many, withBlends(many, 0.5, CATALOGUE), CATALOGUE.blends), ["jpeg@0.21"]);
  assert.deepEqual(pushedOut(["mode-0.4", "elic"], ["mode-0.5", "elic"], CATALOGUE.blends), []);
});

test("a moving blend makes no step on the way back, another size does", () => {
  const at = (...panes) => ({ ...START, panes });
  assert.ok(!isStep(at("mode-0.4@0.2"), at("mode-0.5@0.2"), CATALOGUE));
  assert.ok(isStep(at("mode-0.4@0.2"), at("mode-0.4@0.3"), CATALOGUE));
});

test("what has another size than the others is not the best of them", () => {
  const near = { id: "a@0.101", own_bpp: 0.101, bpp: 0.1 };
  assert.ok(!rated.isAside(near, 0.1, 0.1));
  assert.ok(rated.isAside({ ...near, bpp: 0.2 }, 0.1, 0.1));
  assert.ok(!rated.isAside({ own_bpp: null, bpp: 0.2 }, 0.1, 0.1));
  const views = [30, 31, 40].map((psnr, i) => ({ view: { psnr }, bpp: 0.1, deviation: 0, aside: i === 2 }));
  assert.equal(bestInView(views, CATALOGUE).psnr, 31);
  const ready = { state: "ready", bpp: 0.1, deviation: 0 };
  assert.deepEqual(notesOn([ready, { ...ready, aside: true }], CATALOGUE), ["What has a size of its own is not compared."]);
});

test("a size is written as a rate or as bytes", () => {
  const rate = (text) => rated.rateOfSize(text, SIZE, 8);
  assert.equal(rate("0.05"), 0.05);
  assert.equal(rate("0,05 bpp"), 0.05);
  assert.equal(rate("4915"), 0.0999959);
  assert.equal(rate("4.915 kB"), 0.0999959);
  assert.equal(rate("4,915"), rate("4915"));
  assert.equal(rate("8.1"), 8.1); // which is then refused by its limits
  for (const text of ["", "x", "-1 kB", "0x1"]) assert.ok(Number.isNaN(rate(text)), text);
});

test("what cannot be is a sentence", () => {
  const refused = (bpp) => rated.refusalOf("elic", bpp, ["elic", "elic@0.05"], CATALOGUE.limits);
  assert.match(refused(NaN), /^Write a rate/);
  assert.match(refused(0.0001), /between 0.001 and 8/);
  assert.match(refused(0.05), /already/);
  assert.equal(refused(0.06), "");
});

test("a pane at another size stays in its place, and wherever it was chosen", () => {
  const state = { ...START, panes: ["original", "elic@0.2", "elic"], pick: "elic@0.2", a: "elic@0.2", b: "elic", against: "original" };
  const change = replaced(state, "elic@0.2", "elic@0.3");
  assert.deepEqual(change, { panes: ["original", "elic@0.3", "elic"], pick: "elic@0.3", a: "elic@0.3", b: "elic", against: "original" });
  assert.deepEqual(replaced(state, "elic@0.2", "elic").panes, ["original", "elic"]);
});
