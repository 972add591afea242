import assert from "node:assert/strict";
import { test } from "node:test";
import * as points from "../../../app/explorer/static/points.js";

const traces = [{ x: [0.01, 0.1, 0.9], y: [20, 25, 30] }, { x: [0.02, 0.2], y: [22, 24] }];
const curves = traces.map((_, i) => ({
  ...{ key: `c${i}`, label: `C${i}`, kind: "ours", dataset: "kodak", source: "here", note: "", licence: "" },
  ...{ image: "", images: [24, 24, 24], at: ["", "q 5", ""] },
}));
const axis = { label: "PSNR", unit: "dB", digits: 2, column: "psnr", lpips_net: "" };
const all = points.pointsInView(curves, traces, () => true, null, true);

test("a preset takes the rates below its end, and fits the values to them", () => {
  const { x, y } = points.rangesFor(traces, "ultra", true);
  assert.ok(x[0] < Math.log10(0.01) && x[1] > Math.log10(0.05) && x[1] < Math.log10(0.06));
  assert.ok(y[0] < 20 && y[0] > 19 && y[1] > 22 && y[1] < 23);
  assert.equal(points.rangesFor([{ x: [2], y: [1] }], "usual", true), null);
  assert.equal(points.rangesFor(traces, "all", false).x[0], 0);
});

test("only what can be seen is in view", () => {
  const ranges = { x: [-2.5, -0.9], y: [19, 26] };
  const seen = points.pointsInView(curves, traces, () => true, ranges, true);
  assert.deepEqual(seen.map(({ c, p }) => [c, p]), [[0, 0], [0, 1], [1, 0]]);
  assert.equal(points.pointsInView(curves, traces, ({ key }) => key === "c1", null, true).length, 2);
});

test("arrow keys go along the curve, and to the nearest rate on the next", () => {
  const [first, second] = all;
  assert.equal(points.nextPoint(all, null, [0, 1]), first);
  assert.equal(points.nextPoint(all, first, [0, 1]), second);
  assert.equal(points.nextPoint(all, first, [0, -1]), first);
  assert.equal(points.nextPoint(all, second, [1, 0]).bpp, 0.2);
  assert.equal(points.nextPoint(all, second, [2, 0]).c, 0);
});

test("labels of a narrow axis stay at the powers of ten", () => {
  const ticks = { tickvals: [0.05, 0.1, 0.2], ticktext: ["0.05", "0.1", "0.2"] };
  assert.deepEqual(points.ticksFor(ticks, 200, [-2, 0]), { ticktext: ["", "0.1", ""] });
  assert.deepEqual(points.ticksFor(ticks, 900, [-2, 0]), {});
});

test("no cell of a CSV is run by a spreadsheet", () => {
  assert.equal(points.csvCell("=1+1"), "'=1+1");
  assert.equal(points.csvCell("'=1+1"), "''=1+1", "so that reading gives what was written");
  assert.equal(points.csvCell("＝1+1"), "'＝1+1");
  assert.equal(points.csvCell("a;=1+1"), '"a;=1+1"', "some spreadsheets cut at semicolons");
  assert.equal(points.csvCell('a "b", c'), '"a ""b"", c"');
  assert.equal(points.csvCell(-0.5), "-0.5");
  const [head, line] = points.csvOf(all, axis).split("\n");
  assert.match(head, /^codec,kind,dataset,bpp,psnr,lpips_net/);
  assert.equal(line, "C0,ours,kodak,0.01,20,,24,,here,");
});

test("a point that was opened is marked so, and opens nothing", () => {
  const curve = { ...curves[0], label: "vvc 22", kind: "opened", source: "opened beside the picture on screen", at: [""] };
  assert.equal(points.nameOf(curve), "vvc 22 (opened)");
  assert.deepEqual(points.describePoint({ ...all[0], curve }, axis), ["vvc 22", "0.01 bpp · PSNR 20.00 dB", curve.source]);
  assert.ok(!points.canOpen(curve));
});

test("what is said of a point of theirs names them everywhere, and where its pictures are", () => {
  const source = "theirs: measured here from their pictures";
  const curve = { ...curves[0], label: "elic", kind: "theirs", source, at: ["q1", "q2", ""], kept: ["q2"] };
  const [first, second] = all.map((point) => ({ ...point, curve }));
  assert.equal(points.nameOf(curve), `elic (${source})`);
  assert.deepEqual(points.describePoint(first, axis).slice(2), [
    "mean of 24 pictures · q1", source, "its pictures are not here",
  ]);
  assert.match(points.describePoint(second, axis).at(-1), /are here: a click opens the one of what is on the screen/);
  assert.match(points.csvOf([second], axis).split("\n")[1], new RegExp(`^elic,theirs,.*,q2,${source}`));
  assert.equal(points.canOpen(curve), false);
});

test("a note tells what the point is, where it is from, and whose weights made it", () => {
  const lines = points.describePoint({ ...all[1], curve: { ...curves[0], licence: "CC-BY" } }, axis);
  const told = ["C0", "0.1 bpp · PSNR 25.00 dB", "mean of 24 pictures · q 5", "here", "weights: CC-BY"];
  assert.deepEqual(lines, told);
  assert.equal(points.nameOf(curves[0]), "C0 (ours)");
  assert.equal(points.asPlotlyText("<b>&"), "&lt;b&gt;&amp;");
});
