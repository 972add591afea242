import assert from "node:assert/strict";
import { test } from "node:test";
import { shareOf as plotShareOf } from "../../../app/explorer/static/state.js";
import * as link from "../../../app/shared/link.js";
import { MODES, shareOf } from "../../../app/viewer/static/state.js";
import { CATALOGUE, randomFrom } from "../catalogue.js";

const viewer = shareOf(CATALOGUE);
const plot = plotShareOf({ dataset: "kodak", metric: "psnr", x: "psnr", y: "lpips" });
const chance = randomFrom(11);
const six = (value) => Number(value.toPrecision(6)); // as many digits as links hold
const random = () => six(chance());
const maybe = () => random() < 0.5;
const name = () => "a" + Math.floor(random() * 1e9).toString(36);
const some = (most, make) => [...Array(Math.floor(random() * most))].map(make);
const scale = () => six(0.04 + random() * 31);
const ends = () => [six(random() * 9 - 5), six(random() * 60)];
const evil = () => name() + "&=#%,~/<>\u00e4 " + name();

function viewerState() {
  return {
    ...viewer.start, image: name(), bpp: six(0.001 + random() * 7), anchor: random(),
    mode: MODES[Math.floor(random() * 4)], cx: random(), cy: random(), scale: scale(), fit: maybe(),
    panes: [name(), ...some(11, name)], pick: name(), a: name(), b: name(), split: random(),
    against: name(), map: maybe() ? "flip" : "difference", gain: six(1 + random() * 31), signed: maybe(), smooth: maybe(), loupe: maybe(),
    minimap: maybe(), captions: maybe(), pins: some(12, () => [random(), random(), scale()]),
  };
}

function plotState() {
  const zoomed = maybe() ? { range: "custom", zoom: [ends(), ends()] } : {};
  return {
    ...plot.start, dataset: evil(), metric: evil(), reference: evil(), log: maybe(), own: maybe(), marks: maybe(),
    view: maybe() ? "plane" : "rate", x: evil(), y: evil(), at: six(random()),
    range: ["all", "usual", "low", "ultra"][Math.floor(random() * 4)],
    on: some(20, () => `published/${name()}`), off: some(9, () => `${name()}/`), ...zoomed,
  };
}

test("any state survives its link, beside that of the other part of the page", () => {
  for (let i = 0; i < 500; i++) {
    const [state, curves] = [viewerState(), plotState()];
    const hash = plot.into(viewer.into("", state), curves);
    assert.deepEqual(viewer.read(hash), state);
    assert.deepEqual(plot.read(hash), curves);
    assert.equal(viewer.into(plot.into("", curves), state), hash);
    assert.ok(viewer.says(hash, state) && plot.says(hash, curves));
  }
});

test("a link holds only what differs from the start", () => {
  assert.equal(viewer.into("", viewer.start), "#");
  assert.equal(viewer.into("#rd-log=0", { ...viewer.start, bpp: 0.2 }), "#bpp=0.2&rd-log=0");
  assert.ok(!viewer.says("#bpp=0.3", viewer.start));
});

test("an older link opens the same, and is written anew under today's names", () => {
  const state = { ...plot.start, reference: "ours/kodak/webp//" };
  const now = plot.into("", state);
  assert.ok(now.startsWith("#rd-marks=0&rd-reference="));
  const older = now.replace("rd-reference", "rd-anchor");
  assert.deepEqual(plot.read(older), state);
  assert.equal(plot.into(older, state), now);
  assert.ok(!plot.says(older, state));
  assert.deepEqual(plot.read(`${now}&rd-anchor=other`), state);
  assert.equal(viewer.read("#anchor=0.5").anchor, 0.5);
});

test("the picture's points stand over means where they are asked for, or where an older link had them", () => {
  assert.equal(plot.read("").marks, false);
  assert.equal(plot.read("#image=coffee&bpp=0.2").marks, false);
  const older = "#image=coffee&rd-metric=lpips&rd-own=0";
  assert.deepEqual(plot.read(older), { ...plot.start, metric: "lpips", own: false, marks: true });
  assert.equal(plot.into(older, plot.read(older)), `${older.replace("&rd-", "&rd-marks=1&rd-")}`);
  const without = { ...plot.start, metric: "lpips" };
  assert.deepEqual(plot.read(plot.into("", without)), without);
  assert.equal(plot.into("", plot.start), "#");
});

test("numbers in links have six digits at most, and older links with more open at the same place", () => {
  const sum = 0.1 + 0.2 + 0.171; // 0.4710000000000001
  const state = { ...viewer.start, bpp: 0.1 + 0.2, cx: sum, scale: 4 / 3, pins: [[sum, 1 / 3, 2]] };
  const hash = viewer.into("", state);
  assert.equal(hash, "#bpp=0.3&cx=0.471&pins=0.471~0.333333~2&scale=1.33333");
  const older = `#bpp=${state.bpp}&cx=${sum}&pins=${sum}~${1 / 3}~2&scale=${4 / 3}`;
  assert.deepEqual(viewer.read(older), viewer.read(hash));
  assert.ok(viewer.says(hash, viewer.read(older)));
  const curves = { ...plot.start, range: "custom", zoom: [[-sum, sum], [20 + sum, 40]] };
  assert.equal(plot.into("", curves), "#rd-marks=0&rd-range=custom&rd-zoom=-0.471~0.471,20.471~40");
});

test("numbers keep their limits, and what is no number the fallback", () => {
  const field = link.number(0.001, 8);
  const read = (text) => field.read(text, 0.1);
  assert.deepEqual(["0.2", "99", "-1", "", " ", "x", "1e999"].map(read), [0.2, 8, 0.001, 0.1, 0.1, 0.1, 0.1]);
});

test("only harmless names are names", () => {
  const read = (text) => link.id.read(text, "fallback");
  assert.equal(read("mode-0.35"), "mode-0.35");
  for (const text of ["<img>", "", "-x", "${1}", "__proto__", "a".repeat(49)]) assert.equal(read(text), "fallback");
  assert.deepEqual(link.ids(2).read("a,b,a,c", []), ["a", "b"]);
});

test("rows that are no rows are left out", () => {
  const field = link.rows([[0, 1], [0, 1]], 2);
  assert.deepEqual(field.read("0.1~0.2,0.3,x~1,9~-1,0~0", []), [[0.1, 0.2], [1, 0]]);
});
