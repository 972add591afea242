/** Difference of two pictures, pixel by pixel. Pure. */

/** RGBA bytes of the amplified difference `b - a`: absolute from black up, or signed around grey.
 * @param {Uint8ClampedArray} a @param {Uint8ClampedArray} b @param {number} gain @param {boolean} signed */
export function difference(a, b, gain, signed) {
  const out = new Uint8ClampedArray(a.length);
  for (let i = 0; i < a.length; i += 4) {
    for (let c = i; c < i + 3; c++) {
      const off = (b[c] - a[c]) * gain;
      out[c] = signed ? 128 + off : Math.abs(off);
    }
    out[i + 3] = 255;
  }
  return out;
}
