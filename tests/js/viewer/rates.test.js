import assert from "node:assert/strict";
import { test } from "node:test";
import * as rates from "../../../app/viewer/static/rates.js";

test("every position of the slider is found again from its rate", () => {
  for (let at = 0; at <= rates.STEPS; at++) assert.equal(rates.positionOf(rates.rateAt(at)), at);
  assert.equal(rates.rateAt(0), rates.LOW);
  assert.equal(rates.rateAt(rates.STEPS), rates.HIGH);
});

test("a rate is read with a point or a comma, and a word is no number", () => {
  assert.deepEqual([" 0,05 ", "0.05", ",5", "1e-2"].map(rates.rateFrom), [0.05, 0.05, 0.5, 0.01]);
  assert.equal(rates.rateFrom("0.123456789"), 0.123457, "what its link will hold");
  for (const text of ["", " ", "abc", "1,2,3", "1.000,5", "0,05 bpp"]) assert.ok(Number.isNaN(rates.rateFrom(text)), text);
});

test("a step changes any rate, beyond the slider too, and comes back", () => {
  for (const bpp of [0.001, 0.0512, 0.1, 2, 8]) {
    const up = rates.rateStep(bpp, 1);
    assert.ok(up > bpp && up < bpp * 1.03, `${bpp}`);
    assert.ok(Math.abs(rates.rateStep(up, -1) / bpp - 1) < 0.011);
  }
});

test("a rate beyond the slider shows at its end", () => {
  assert.equal(rates.positionOf(8), rates.STEPS);
  assert.equal(rates.positionOf(0.001), 0);
});

test("sizes read as people write them", () => {
  assert.equal(rates.bytesText(4971.4), "4\u202f971 B");
  assert.equal(rates.bytesText(123_400), "123.4 kB");
  assert.equal(rates.bytesText(5_100_000), "5.1 MB");
  assert.equal(rates.grouped(1234567), "1\u202f234\u202f567");
});

test("rates and deviations keep the digits that matter", () => {
  assert.equal(rates.rateText(0.1), "0.1000");
  assert.equal(rates.rateText(1.25), "1.250");
  assert.equal(rates.deviationText(0.0001), "±0 %");
  assert.equal(rates.deviationText(-0.0049), "−0.5 %");
  assert.equal(rates.deviationText(0.126), "+13 %");
});
