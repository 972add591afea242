import assert from "node:assert/strict";
import { test } from "node:test";
import * as plane from "../../../app/explorer/static/plane.js";
import { csvOf, describePoint, pointsInView } from "../../../app/explorer/static/points.js";

const across = { key: "psnr", label: "PSNR", unit: "dB", better: "higher", digits: 2, column: "psnr", lpips_net: "" };
const up = { key: "lpips", label: "LPIPS", unit: "", better: "lower", digits: 4, column: "lpips", lpips_net: "alex" };
const style = { light: "#123456", dark: "#abcdef", symbol: "circle", dash: "solid" };
const curveOf = (key, kind = "ours") => ({
  key, kind, label: key.toUpperCase(), dataset: "kodak", source: "here", note: "", licence: "",
  image: "", images: [24], at: [""], style,
});
const curves = [curveOf("mode-f"), curveOf("mode-p"), curveOf("mode-0.5"), curveOf("elic"), curveOf("dlf")];
const traces = [[27, 0.22], [25, 0.18], [26, 0.2], [28, 0.35], []]
  .map(([x, y]) => (x ? { x: [x], y: [y], customdata: [0.1] } : { x: [], y: [], customdata: [] }));
const everything = () => true;
const ranges = plane.planeRanges(traces, across, up);
const points = pointsInView(curves, traces, everything, ranges, false);
const path = { label: "MoDE", keys: ["mode-f", "mode-0.5", "mode-p"], anchors: ["0", "0.5", "1"] };

test("better is to the right and up, whichever way a metric goes", () => {
  assert.ok(ranges.x[0] < 25 && ranges.x[1] > 28);
  assert.ok(ranges.y[0] > 0.35 && ranges.y[1] < 0.18, "lower is better: the axis stands on its head");
  assert.equal(plane.planeRanges([traces[4]], across, up), null);
});

test("a codec that was not measured at the rate has no point, and the others keep their rates", () => {
  assert.deepEqual(points.map(({ curve }) => curve.key), ["mode-f", "mode-p", "mode-0.5", "elic"]);
  assert.deepEqual([points[0].x, points[0].value, points[0].bpp], [27, 0.22, 0.1]);
  assert.equal(describePoint(points[0], up, across)[1], "0.1 bpp · PSNR 27.00 dB · LPIPS 0.2200");
});

test("a way goes through the anchors in their order, and only through those that are shown", () => {
  const [line] = plane.pathTraces([path], curves, traces, everything, false);
  assert.deepEqual([line.x, line.y], [[27, 26, 25], [0.22, 0.2, 0.18]]);
  assert.deepEqual([line.line.dash, line.line.color], ["solid", "#123456"]);
  const ends = plane.pathTraces([path], curves, traces, ({ key }) => key !== "mode-0.5", true);
  assert.deepEqual([ends[0].x, ends[0].line.dash], [[27, 25], "dot"], "nothing between was measured");
  assert.deepEqual(plane.pathTraces([path], curves, traces, ({ key }) => key === "mode-p", true), []);
  const evil = plane.pathTraces([{ ...path, label: "<b>" }], curves, traces, everything, false);
  assert.equal(evil[0].name, "&lt;b&gt;, from anchor to anchor");
});

test("arrow keys lead to the next point as it is seen", () => {
  const key = (point) => point.curve.key;
  const [modeF, modeP, half, elic] = points;
  const go = (from, step) => key(plane.nextInPlane(points, from, step, ranges));
  assert.equal(go(null, [0, 1]), "mode-p", "the first one is the leftmost");
  assert.equal(go(modeP, [0, 1]), "mode-0.5");
  assert.equal(go(half, [0, -1]), "mode-p");
  assert.equal(go(elic, [0, 1]), "elic", "there is nothing further to the right");
  assert.equal(go(elic, [-1, 0]), "mode-f", "up is where LPIPS is lower");
  assert.equal(go(modeF, [1, 0]), "elic");
});

test("labels hide neither marks nor each other; one without room is left out", () => {
  const size = { width: 800, height: 500 };
  const texts = (list, room = size) => plane.labelsFor(list, ranges, room).map(({ text }) => text);
  assert.deepEqual(texts(points), ["MODE-F", "MODE-P", "MODE-0.5", "ELIC"]);
  const crowd = Array(30).fill(points[0]);
  const named = texts(crowd).filter(Boolean).length;
  assert.ok(named < 10, `${named} labels at one place`);
  assert.ok(texts(points, { width: 90, height: 70 }).includes(""));
  const line = { x: [points[0].x, ranges.x[1]], y: [points[0].value, points[0].value] };
  const side = (ways) => plane.labelsFor(points.slice(0, 1), ranges, size, ways)[0].side;
  assert.deepEqual([side([]), side([line])], ["middle right", "middle left"], "a line would run through it");
  const [edge] = plane.labelsFor([{ ...points[3], x: ranges.x[1] - 0.01 }], ranges, size);
  assert.match(edge.side, /left|center/, "at the right edge there is no room to the right");
});

test("others' points and long names are told in a few letters", () => {
  const named = (more) => plane.labelsFor([{ ...points[0], curve: { ...curves[0], ...more } }], ranges, { width: 900, height: 600 })[0].text;
  assert.equal(named({ kind: "published" }), "MODE-F, publ.");
  assert.equal(named({ label: "x".repeat(60) }).length, 22);
});

test("the CSV of the plane has both metrics, and whose LPIPS it is", () => {
  const [head, line] = csvOf(points, up, across).split("\n");
  assert.match(head, /^codec,kind,dataset,bpp,psnr,lpips,lpips_net,/);
  assert.match(line, /^MODE-F,ours,kodak,0.1,27,0.22,alex,24,/);
});
