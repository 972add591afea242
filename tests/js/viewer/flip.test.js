/** FLIP against the authors' own program, and what its maps are made of. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { COLOURS, PIXELS_PER_DEGREE, coloured, cut, flip, marginOf, meanOf, seen } from "../../../app/viewer/static/flip.js";

const WIDTH = 48, HEIGHT = 40;

/** A picture by a formula: colour of a pixel at a column and a row. */
function made(colourAt) {
  const rgba = new Uint8ClampedArray(4 * WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) rgba.set([...colourAt(x, y), 255], 4 * (y * WIDTH + x));
  }
  return rgba;
}

const ramps = (x, y) => [(x * 5) % 256, (y * 6) % 256, (x * y) % 256];
const pairs = {
  ramps: [ramps, (x, y) => ramps(x, y).map((one) => one - (one % 48))],
  stripes: [(x) => Array(3).fill(x % 4 < 2 ? 200 : 60), () => [130, 130, 130]],
  hues: [(x, y) => [255 - 5 * x, 40, 5 * y], (x, y) => [5 * y, 40, 255 - 5 * x]],
  dots: [(x, y) => Array(3).fill(x % 12 || y % 12 ? 90 : 250), () => [90, 90, 90]],
};
/* What flip-evaluator 1.7 of the authors (PyPI) says of these pictures: the mean, and four pixels
 * (column, row) = (0, 0), (20, 11), (24, 24), (47, 39); at the 67.02 pixels per degree of its start, and at 30. */
const THEIRS = {
  ramps: [0.388214, 0.051736, 0.351305, 0.267585, 0.644101],
  "ramps at 30": [0.405317, 0.01877, 0.329831, 0.309581, 0.656454],
  stripes: [0.28553, 0.710029, 0.375404, 0.375404, 0.664307],
  hues: [0.556015, 0.967969, 0.696164, 0.201423, 0.955087],
  dots: [0.048689, 0.91408, 0.004139, 0.490522, 0.0],
};

for (const [name, [mean, ...pixels]] of Object.entries(THEIRS)) {
  test(`FLIP is that of its authors: ${name}`, () => {
    const [what, ppd] = name.split(" at ");
    const [a, b] = pairs[what].map((one) => seen(made(one), WIDTH, HEIGHT, ppd ? Number(ppd) : undefined));
    const map = flip(a, b);
    const found = [[0, 0], [20, 11], [24, 24], [47, 39]].map(([x, y]) => map[y * WIDTH + x]);
    assert.ok(Math.abs(meanOf(map) - mean) < 1e-4, `${meanOf(map)} for ${mean}`);
    found.forEach((one, i) => assert.ok(Math.abs(one - pixels[i]) < 3e-4, `${one} for ${pixels[i]}`));
  });
}

test("the same is 0, green for blue is 1, and which of the two comes first is all one", () => {
  const of = (colour) => seen(made(colour), WIDTH, HEIGHT);
  assert.equal(meanOf(flip(of(ramps), of(ramps))), 0);
  assert.ok(Math.abs(meanOf(flip(of(() => [0, 255, 0]), of(() => [0, 0, 255]))) - 1) < 1e-6);
  assert.deepEqual(flip(of(ramps), of(pairs.hues[0])), flip(of(pairs.hues[0]), of(ramps)));
});

test("a part with its margin has the map that the whole has there", () => {
  const margin = marginOf();
  assert.equal(margin, 10);
  const [left, top, width, height] = [14, 11, 12, 9];
  const [a, b] = pairs.ramps.map(made);
  const whole = flip(seen(a, WIDTH, HEIGHT), seen(b, WIDTH, HEIGHT));
  const around = { x: left - margin, y: top - margin, width: width + 2 * margin, height: height + 2 * margin };
  const parts = [a, b].map((rgba) => {
    const part = new Uint8ClampedArray(4 * around.width * around.height);
    for (let row = 0; row < around.height; row++) {
      const start = 4 * ((around.y + row) * WIDTH + around.x);
      part.set(rgba.subarray(start, start + 4 * around.width), 4 * row * around.width);
    }
    return seen(part, around.width, around.height);
  });
  const inside = cut(flip(...parts), around.width, { x: margin, y: margin, width, height });
  const there = cut(whole, WIDTH, { x: left, y: top, width, height });
  inside.forEach((one, i) => assert.ok(Math.abs(one - there[i]) < 1e-6));
});

test("colours get lighter all the way, from the first to the last", () => {
  const shades = coloured(Float32Array.from({ length: 256 }, (_, i) => i / 255));
  const light = Array.from({ length: 256 }, (_, i) => {
    const [r, g, b] = [0, 1, 2].map((c) => (shades[4 * i + c] / 255) ** 2.2);
    return Math.cbrt(0.2126 * r + 0.7152 * g + 0.0722 * b);
  });
  light.slice(1).forEach((one, i) => assert.ok(one >= light[i] - 0.002, `${i}`));
  assert.deepEqual([...shades.slice(0, 4)], [...COLOURS[0], 255]);
  assert.deepEqual([...shades.slice(-4)], [...COLOURS.at(-1), 255]);
  const steps = COLOURS.map((_, i) => light[Math.round((i * 255) / 8)]);
  const widths = steps.slice(1).map((one, i) => one - steps[i]);
  assert.ok(Math.max(...widths) < 2 * Math.min(...widths), `${widths}`);
  assert.equal(Math.round(PIXELS_PER_DEGREE), 67);
});
