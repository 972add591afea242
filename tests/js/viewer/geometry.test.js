import assert from "node:assert/strict";
import { test } from "node:test";
import * as geometry from "../../../app/viewer/static/geometry.js";
import { randomFrom } from "../catalogue.js";

const picture = { width: 768, height: 512 };
const frame = { width: 401, height: 300 };
const framed = { picture, frame };
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("the place under the pointer stays there while zooming", () => {
  const random = randomFrom(3);
  for (let i = 0; i < 200; i++) {
    const view = { cx: random(), cy: random(), scale: 0.1 + 9 * random() };
    const point = { x: frame.width * random(), y: frame.height * random() };
    const next = geometry.zoomAt(view, 0.1 + 20 * random(), point, framed);
    for (const [c, length, side] of [["cx", "width", "x"], ["cy", "height", "y"]]) {
      const under = (v) => v[c] * picture[length] + (point[side] - frame[length] / 2) / v.scale;
      near(under(next), under(view));
    }
  }
});

test("zooming ends at the ends of the ladder", () => {
  const view = { cx: 0.5, cy: 0.5, scale: 1 };
  const middle = { x: 200, y: 150 };
  assert.equal(geometry.zoomAt(view, 1000, middle, framed).scale, geometry.MAX_SCALE);
  assert.equal(geometry.zoomAt(view, 0, middle, framed).scale, geometry.MIN_SCALE);
  assert.equal(geometry.nextScale(32, 1), 32);
  assert.equal(geometry.nextScale(1, 1), 1.5);
  assert.equal(geometry.nextScale(1, -1), 0.75);
  assert.equal(geometry.nextScale(1.7, -1), 1.5);
});

test("dragging moves the picture by whole pixels of the screen", () => {
  const before = { cx: 0.5, cy: 0.5, scale: 2 };
  const after = geometry.panBy(before, 30, -12, picture);
  const [from, to] = [before, after].map((view) => geometry.originOf(view, framed));
  assert.deepEqual([to.x - from.x, to.y - from.y], [30, -12]);
});

test("a picture smaller than its frame is centred, a larger one fills it", () => {
  const small = geometry.settle({ cx: 0.1, cy: 0.9, scale: 0.25 }, framed);
  assert.deepEqual([small.cx, small.cy], [0.5, 0.5]);
  const large = geometry.settle({ cx: 0, cy: 1, scale: 4 }, framed);
  near(large.cx, frame.width / 2 / (picture.width * 4));
  near(large.cy, 1 - frame.height / 2 / (picture.height * 4));
});

test("a view that fits does so in any frame", () => {
  const wish = { cx: 0.1, cy: 0.1, scale: 3, fit: true };
  for (const width of [401, 1200]) {
    const there = { picture, frame: { ...frame, width } };
    assert.deepEqual(geometry.seenView(wish, there), { cx: 0.5, cy: 0.5, scale: geometry.fitScale(there) });
  }
  assert.deepEqual(geometry.seenView({ ...wish, fit: false }, framed), geometry.settle(wish, framed));
  assert.ok(geometry.isWhole({ x: 0, y: 0, ...picture }, picture));
  assert.ok(!geometry.isWhole({ x: 0, y: 0, ...picture, width: 767 }, picture));
});

test("the whole picture fits, enlarged by whole multiples only", () => {
  near(geometry.fitScale(framed), frame.width / picture.width);
  assert.equal(geometry.fitScale({ picture: { width: 100, height: 60 }, frame }), 4);
});

test("the visible region holds every pixel that is seen, and none outside the picture", () => {
  const whole = geometry.visibleRegion({ cx: 0.5, cy: 0.5, scale: 0.25 }, framed);
  assert.deepEqual(whole, { x: 0, y: 0, width: 768, height: 512 });
  const corner = geometry.visibleRegion({ cx: 0, cy: 0, scale: 1 }, framed);
  assert.deepEqual(corner, { x: 0, y: 0, width: 200, height: 150 });
  const away = geometry.visibleRegion({ cx: 5, cy: 5, scale: 1 }, framed);
  assert.equal(away.width, 0);
});

test("a point of the frame is found in the picture", () => {
  const view = { cx: 0.25, cy: 0.75, scale: 2 };
  const origin = geometry.originOf(view, framed);
  assert.deepEqual(geometry.pictureAt(view, origin, framed), { x: 0, y: 0 });
  const there = { x: origin.x + 20, y: origin.y + 8 };
  assert.deepEqual(geometry.pictureAt(view, there, framed), { x: 10, y: 4 });
});

test("columns make the frames as large as they can be", () => {
  const room = { width: 1200, height: 600 };
  assert.equal(geometry.columnsFor(6, { width: 3, height: 2 }, room), 3);
  assert.equal(geometry.columnsFor(6, { width: 1, height: 4 }, room), 6);
  assert.equal(geometry.columnsFor(1, picture, room), 1);
});

test("all that another frame shows is in view, in squares of whole pixels above 100 %", () => {
  const { reachScale, seenView } = geometry;
  const reach = { width: 200, height: 150 }; // of a frame of 800 x 600 at 4:1
  const at = (width, height) => reachScale(4, reach, { width, height });
  assert.deepEqual([at(800, 600), at(1600, 600), at(1600, 1200), at(799, 600), at(390, 700), at(100, 100)], [4, 4, 8, 3, 1, 0.5]);
  assert.equal(reachScale(1.5, { width: 400, height: 300 }, { width: 600, height: 450 }), 1.5);
  assert.equal(reachScale(0.3, { width: 1000, height: 1000 }, { width: 450, height: 900 }), 0.45);
  const random = randomFrom(5);
  for (let i = 0; i < 300; i++) {
    const wish = { cx: random(), cy: random(), scale: 0.2 + 8 * random() };
    const leader = geometry.settle(wish, framed);
    const theirs = { width: frame.width / wish.scale, height: frame.height / wish.scale };
    const own = { picture, frame: { width: 150 + Math.floor(900 * random()), height: 150 + Math.floor(900 * random()) } };
    const seen = geometry.visibleRegion(seenView({ ...leader, fit: false, reach: theirs }, own), own);
    const region = geometry.visibleRegion(leader, framed);
    for (const [start, length] of [["x", "width"], ["y", "height"]]) {
      assert.ok(seen[start] <= region[start] + 2, "from its first pixel");
      assert.ok(seen[start] + seen[length] >= region[start] + region[length] - 2, "to its last");
    }
  }
});
