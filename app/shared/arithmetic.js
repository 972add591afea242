/** Small sums that many modules do. Pure. */

/** A number kept between two others. @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Six digits are what matters: at 32 times, a place in 4,000 pixels is right to a tenth of a screen pixel.
 * @param {number} value */
export const rounded = (value) => Number(value.toPrecision(6));

/** The one so many steps further in a list, after whose last comes its first.
 * @template T @param {T[]} list @param {T} one @param {number} steps */
export const further = (list, one, steps) => list[(list.indexOf(one) + steps + list.length) % list.length];
