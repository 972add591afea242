import assert from "node:assert/strict";
import { test } from "node:test";
import { anchorPanes, measureCurve } from "../../../app/viewer/static/tours.js";
import { CATALOGUE } from "../catalogue.js";

const AT = [0.02, 0.05, 0.2, 0.5, 0.1];

/** A viewer whose server answers every question, or all but the one at a rate. */
function viewerOf({ panes = ["original", "mode-f", "elic"], fails = 0 } = {}) {
  const asked = [];
  const questions = {
    others: null,
    ask(_aside, bpp, others = null) {
      asked.push([bpp, others]);
      questions.others = others;
    },
    refresh: (_change, _aside, bpp = 0.1) => questions.ask("", bpp),
    answer: async () => asked.at(-1)[0] !== fails,
  };
  const viewer = { state: { file: "", bpp: 0.1, panes }, words: {}, large: {}, questions, catalogue: CATALOGUE };
  return { viewer, asked };
}

/** Take a tour, and hear what is told of it. */
async function tour(viewer, which) {
  const told = [];
  globalThis.document = { dispatchEvent: ({ detail }) => told.push(detail) };
  await measureCurve(viewer, which);
  delete globalThis.document;
  return told;
}

test("a tour asks for what is shown at several rates, the chosen one last", async () => {
  const { viewer, asked } = viewerOf();
  const told = await tour(viewer);
  assert.deepEqual(asked, AT.map((bpp) => [bpp, null]));
  assert.deepEqual(told.map(({ done }) => done), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(told.at(-1), { done: 5, of: 5, running: false, anchors: false });
  assert.equal(viewer.touring, false);
});

test("a tour along the anchors asks for five of each file, and brings back what was shown", async () => {
  const { viewer, asked } = viewerOf();
  const told = await tour(viewer, { anchors: true });
  const five = ["mode-f", "mode-0.25", "mode-0.5", "mode-0.75", "mode-p"];
  assert.deepEqual(asked.slice(0, -1), AT.map((bpp) => [bpp, five]));
  assert.deepEqual(asked.at(-1), [0.1, null]);
  assert.ok(told.every(({ anchors }) => anchors));
});

test("a tour that breaks off brings back what was shown, unless something else is asked for by then", async () => {
  const broken = viewerOf({ fails: 0.2 });
  await tour(broken.viewer, { anchors: true });
  assert.deepEqual(broken.asked.map(([bpp]) => bpp), [0.02, 0.05, 0.2, 0.1]);
  const { viewer, asked } = viewerOf();
  viewer.questions.answer = async () => {
    viewer.questions.ask("", 0.3);
    return false;
  };
  await tour(viewer, { anchors: true });
  assert.deepEqual(asked.map(([bpp]) => bpp), [0.02, 0.3], "what the visitor asked for stays");
});

test("all of MoDE's files that are shown are asked for, or the first that there are", () => {
  const limits = { ...CATALOGUE.limits, coded: 7 };
  const blends = [...CATALOGUE.blends, { ...CATALOGUE.blends[0], fidelity: "x-f", perception: "x-p", prefix: "x-" }];
  const ids = anchorPanes(["mode-f", "x-p"], { ...CATALOGUE, blends, limits });
  assert.deepEqual(ids.slice(4), ["mode-p", "x-f", "x-0.25"]);
  assert.equal(anchorPanes(["jpeg"], CATALOGUE).length, 5);
});
