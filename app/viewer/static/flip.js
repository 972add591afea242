/** FLIP, the perceptual difference of two pictures (Andersson et al. 2020, LDR), for every pixel. Pure.
 *
 * First what the eye blurs away is taken out of both pictures, and their colours are compared; then edges
 * and points that only one of them has make the difference larger. All constants are the paper's. */

/** Pixels per degree: 3840 across 0.7 m, seen from 0.7 m, which is what published values are for. */
export const PIXELS_PER_DEGREE = (3840 * Math.PI) / 180;

/** How strongly the eye blurs: for lightness, red-green and blue-yellow, pairs of amplitude and width. */
const BLURS = [[[1, 0.0047]], [[1, 0.0053]], [[34.1, 0.04], [13.5, 0.025]]];
const WIDEST = 0.04;
const FEATURE_DEGREES = 0.082;
const COLOUR_POWER = 0.7;
const FEATURE_POWER = 0.5;
const KNEE = 0.4; // of the largest colour difference,
const KNEE_HEIGHT = 0.95; // which takes this much of the scale
const LEAST_WEIGHT = 1e-8; // weights below it change nothing that float32 holds

/** Linear sRGB to XYZ, from the chromaticities of its primaries and D65. */
const TO_XYZ = [
  [10135552 / 24577794, 8788810 / 24577794, 4435075 / 24577794],
  [2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897],
  [1425312 / 73733382, 8788810 / 73733382, 70074185 / 73733382],
];
const WHITE = TO_XYZ.map(([r, g, b]) => r + g + b);
const FROM_XYZ = inverse(TO_XYZ);
const LINEAR = Float64Array.from({ length: 256 }, (_, level) => {
  const share = level / 255;
  return share > 0.04045 ? ((share + 0.055) / 1.055) ** 2.4 : share / 12.92;
});
const LARGEST = hunted(0, 1, 0).apart(hunted(0, 0, 1)) ** COLOUR_POWER;

/** @typedef {{width: number, height: number, light: Float32Array, red: Float32Array, blue: Float32Array,
 *   edges: Float32Array, points: Float32Array}} Seen what the eye takes from a picture */

/** How far beyond a part the map of that part looks, in pixels. */
export const marginOf = (ppd = PIXELS_PER_DEGREE) =>
  Math.max(Math.ceil(3 * Math.sqrt(WIDEST / (2 * Math.PI ** 2)) * ppd), Math.ceil(1.5 * FEATURE_DEGREES * ppd));

/** What is compared of one picture; borders are continued by their last pixels.
 * @param {Uint8ClampedArray} rgba @param {number} width @param {number} height @param {number} [ppd] @returns {Seen} */
export function seen(rgba, width, height, ppd = PIXELS_PER_DEGREE) {
  const size = { width, height };
  const planes = opponents(rgba, width * height);
  const features = featuresOf(planes[0], size, ppd);
  const [y, x, z] = planes.map((plane, i) => blurred(plane, size, BLURS[i], ppd));
  toLab(y, x, z); // in place
  return { ...size, light: y, red: x, blue: z, ...features };
}

/** The map from 0, the same, to 1, of two pictures that are equally large.
 * @param {Seen} a @param {Seen} b @returns {Float32Array} */
export function flip(a, b) {
  const map = new Float32Array(a.light.length);
  const knee = KNEE * LARGEST;
  for (let i = 0; i < map.length; i++) {
    const [red, blue] = [a.red[i] - b.red[i], a.blue[i] - b.blue[i]];
    const lab = Math.abs(a.light[i] - b.light[i]) + Math.sqrt(red * red + blue * blue);
    const power = lab ** COLOUR_POWER;
    const colour =
      power < knee ? (KNEE_HEIGHT / knee) * power : KNEE_HEIGHT + ((power - knee) / (LARGEST - knee)) * (1 - KNEE_HEIGHT);
    const edge = Math.abs(a.edges[i] - b.edges[i]);
    const point = Math.abs(a.points[i] - b.points[i]);
    const feature = (Math.max(edge, point) * Math.SQRT1_2) ** FEATURE_POWER;
    map[i] = Math.min(1, Math.max(0, colour)) ** (1 - feature);
  }
  return map;
}

/** The part of a map inside a box. @param {Float32Array} map @param {number} width @param {Region} box */
export function cut(map, width, { x, y, width: across, height: down }) {
  const part = new Float32Array(across * down);
  for (let row = 0; row < down; row++) {
    const start = (y + row) * width + x;
    part.set(map.subarray(start, start + across), row * across);
  }
  return part;
}

export const meanOf = (/** @type {Float32Array} */ map) => map.reduce((sum, one) => sum + one, 0) / map.length;

/** Dark is the same, light is different: nine colours of even steps in lightness, as people know them of FLIP. */
export const COLOURS = [
  [0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122],
  [229, 80, 100], [251, 135, 97], [254, 194, 135], [252, 253, 191],
];

/** RGBA bytes of a map. @param {Float32Array} map */
export function coloured(map) {
  const out = new Uint8ClampedArray(4 * map.length);
  for (let i = 0; i < map.length; i++) {
    const place = map[i] * (COLOURS.length - 1);
    const index = Math.min(COLOURS.length - 2, Math.floor(place));
    const [low, high] = [COLOURS[index], COLOURS[index + 1]];
    for (let c = 0; c < 3; c++) out[4 * i + c] = low[c] + (high[c] - low[c]) * (place - index);
    out[4 * i + 3] = 255;
  }
  return out;
}

/** Lightness, red-green and blue-yellow of every pixel, linear in light. @param {Uint8ClampedArray} rgba */
function opponents(rgba, /** @type {number} */ count) {
  const planes = [0, 1, 2].map(() => new Float32Array(count));
  const [lights, reds, blues] = planes;
  const [rows0, rows1, rows2] = TO_XYZ.map((row, i) => row.map((one) => one / WHITE[i]));
  for (let i = 0; i < count; i++) {
    const [r, g, b] = [LINEAR[rgba[4 * i]], LINEAR[rgba[4 * i + 1]], LINEAR[rgba[4 * i + 2]]];
    const x = rows0[0] * r + rows0[1] * g + rows0[2] * b;
    const y = rows1[0] * r + rows1[1] * g + rows1[2] * b;
    const z = rows2[0] * r + rows2[1] * g + rows2[2] * b;
    lights[i] = 116 * y - 16;
    reds[i] = 500 * (x - y);
    blues[i] = 200 * (y - z);
  }
  return planes;
}

/** A plane as the eye passes it on: a sum of Gaussians, each of which is blurred along rows, then columns.
 * @param {Float32Array} plane @param {Size} size @param {number[][]} blurs @param {number} ppd */
function blurred(plane, size, blurs, ppd) {
  const radius = Math.ceil(3 * Math.sqrt(WIDEST / (2 * Math.PI ** 2)) * ppd);
  const bells = blurs.map(([amplitude, width]) => {
    const bell = taps(radius, (at) => Math.exp((-(Math.PI ** 2) * (at / ppd) ** 2) / width));
    const sum = bell.reduce((all, one) => all + one, 0);
    return { bell: bell.map((one) => one / sum), weight: amplitude * Math.sqrt(Math.PI / width) * sum ** 2 };
  });
  const whole = bells.reduce((sum, { weight }) => sum + weight, 0);
  const [first, ...others] = bells.map(({ bell, weight }) => {
    return down(across(plane, size, bell), size, bell.map((one) => (one * weight) / whole));
  });
  for (const other of others) for (let i = 0; i < first.length; i++) first[i] += other[i];
  return first;
}

/** How strong edges and points are. @param {Float32Array} light @param {Size} size @param {number} ppd */
function featuresOf(light, size, ppd) {
  const spread = 0.5 * FEATURE_DEGREES * ppd;
  const radius = Math.ceil(3 * spread);
  const bellAt = (/** @type {number} */ at) => Math.exp(-(at ** 2) / (2 * spread ** 2));
  const bell = balanced(taps(radius, bellAt));
  const slope = balanced(taps(radius, (at) => -at * bellAt(at)));
  const bend = balanced(taps(radius, (at) => (at ** 2 / spread ** 2 - 1) * bellAt(at)));
  const plane = light.map((one) => (one + 16) / 116);
  const smooth = across(plane, size, bell);
  const strength = (/** @type {number[]} */ kernel) => {
    const one = down(across(plane, size, kernel), size, bell);
    const other = down(smooth, size, kernel);
    for (let i = 0; i < one.length; i++) one[i] = Math.sqrt(one[i] * one[i] + other[i] * other[i]);
    return one;
  };
  return { edges: strength(slope), points: strength(bend) };
}

/** @param {number} radius @param {(at: number) => number} at */
const taps = (radius, at) => Array.from({ length: 2 * radius + 1 }, (_, i) => at(i - radius));

/** Weights whose positive ones are 1 together, and whose negative ones -1. @param {number[]} kernel */
function balanced(kernel) {
  const sums = [1, -1].map((sign) => kernel.reduce((sum, one) => sum + Math.max(0, sign * one), 0));
  return kernel.map((one) => one / (one < 0 ? sums[1] : sums[0]));
}

/** Without the ends that change nothing. @param {number[]} kernel */
function trimmed(kernel) {
  const needed = kernel.findIndex((one, i) => Math.max(Math.abs(one), Math.abs(kernel.at(-1 - i) ?? 0)) > LEAST_WEIGHT);
  return Float64Array.from(kernel.slice(needed, kernel.length - needed));
}

/** Correlate every row with a kernel. @param {Float32Array} plane @param {Size} size @param {number[]} all */
function across(plane, { width, height }, all) {
  const kernel = trimmed(all);
  const radius = (kernel.length - 1) / 2;
  const out = new Float32Array(plane.length);
  const row = new Float64Array(width + 2 * radius);
  const sums = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    const start = y * width;
    row.fill(plane[start], 0, radius);
    row.set(plane.subarray(start, start + width), radius);
    row.fill(plane[start + width - 1], radius + width);
    sums.fill(0);
    for (let k = 0; k <= radius; k++) {
      const [near, far, end] = [kernel[k], k === radius ? 0 : kernel[2 * radius - k], 2 * radius - k];
      for (let x = 0; x < width; x++) sums[x] += near * row[x + k] + far * row[x + end];
    }
    out.set(sums, start);
  }
  return out;
}

/** Correlate every column with a kernel. @param {Float32Array} plane @param {Size} size @param {number[]} all */
function down(plane, { width, height }, all) {
  const kernel = trimmed(all);
  const radius = (kernel.length - 1) / 2;
  const out = new Float32Array(plane.length);
  const sums = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let k = 0; k <= radius; k++) {
      const [near, far] = [kernel[k], k === radius ? 0 : kernel[2 * radius - k]]; // two at once are quicker
      const above = Math.max(0, y + k - radius) * width;
      const below = Math.min(height - 1, y + radius - k) * width;
      for (let x = 0; x < width; x++) sums[x] += near * plane[above + x] + far * plane[below + x];
    }
    out.set(sums, y * width);
  }
  return out;
}

/** Filtered opponent colours become L*a*b*, less colourful the darker they are.
 * @param {Float32Array} lights @param {Float32Array} reds @param {Float32Array} blues */
function toLab(lights, reds, blues) {
  const [r3, g3, b3] = FROM_XYZ;
  for (let i = 0; i < lights.length; i++) {
    const y = (lights[i] + 16) / 116;
    const x = (y + reds[i] / 500) * WHITE[0];
    const z = (y - blues[i] / 200) * WHITE[2];
    const level = y * WHITE[1];
    const r = within(r3[0] * x + r3[1] * level + r3[2] * z);
    const g = within(g3[0] * x + g3[1] * level + g3[2] * z);
    const b = within(b3[0] * x + b3[1] * level + b3[2] * z);
    const fx = root((TO_XYZ[0][0] * r + TO_XYZ[0][1] * g + TO_XYZ[0][2] * b) / WHITE[0]);
    const fy = root((TO_XYZ[1][0] * r + TO_XYZ[1][1] * g + TO_XYZ[1][2] * b) / WHITE[1]);
    const fz = root((TO_XYZ[2][0] * r + TO_XYZ[2][1] * g + TO_XYZ[2][2] * b) / WHITE[2]);
    const light = 116 * fy - 16;
    lights[i] = light;
    reds[i] = 5 * light * (fx - fy); // 500 times a hundredth of the lightness
    blues[i] = 2 * light * (fy - fz);
  }
}

const within = (/** @type {number} */ share) => (share < 0 ? 0 : share > 1 ? 1 : share);

/** The cube root of L*a*b*, straight near black. @param {number} t */
function root(t) {
  return t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29;
}

/** One linear colour as `toLab` gives it, and how far another is from it. @param {number[]} rgb */
function hunted(...rgb) {
  const [x, y, z] = TO_XYZ.map((row, i) => row.reduce((sum, one, c) => sum + one * rgb[c], 0) / WHITE[i]);
  const light = 116 * root(y) - 16;
  const [red, blue] = [5 * light * (root(x) - root(y)), 2 * light * (root(y) - root(z))];
  const apart = (/** @type {{light: number, red: number, blue: number}} */ other) =>
    Math.abs(light - other.light) + Math.hypot(red - other.red, blue - other.blue);
  return { light, red, blue, apart };
}

/** @param {number[][]} m a matrix of three rows */
function inverse(m) {
  const minor = (/** @type {number} */ r, /** @type {number} */ c) => {
    const [r1, r2, c1, c2] = [(r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3];
    return m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1];
  };
  const whole = m[0].reduce((sum, one, c) => sum + one * minor(0, c), 0);
  return m.map((_, r) => m.map((_, c) => minor(c, r) / whole));
}
