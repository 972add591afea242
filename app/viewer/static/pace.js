/** What coding will take, and how long it has taken so far, in words. Pure. */

/** Seconds that these codecs take for so many pixels, each in proportion to the known picture nearest in
 * size; undefined if one of them has not been seen here yet.
 * @param {Pace} pace @param {string[]} codecs @param {number} pixels */
export function secondsFor(pace, codecs, pixels) {
  let sum = 0;
  for (const codec of codecs) {
    const known = pace[codec] ?? [];
    if (!known.length) return undefined;
    const away = (/** @type {number[]} */ [size]) => Math.abs(Math.log((size * 1e6) / pixels));
    const [size, seconds] = known.reduce((best, one) => (away(one) < away(best) ? one : best));
    sum += (seconds * pixels) / (size * 1e6);
  }
  return sum;
}

/** About so long; nothing where it is not known. @param {number | undefined} seconds */
export function aboutText(seconds) {
  if (seconds === undefined) return "";
  return `≈ ${durationText(seconds)}`;
}

function durationText(/** @type {number} */ seconds) {
  if (seconds < 1) return "1 s";
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** What becomes of a pane that has no picture yet: whether the visitor is asked, or others come first.
 * @param {PaneRecord} record @param {boolean} asking */
export const stageText = ({ begun }, asking) => (asking ? "not coded yet" : begun ? "coding…" : "waits");

/** The same with how long that takes. `now` and `since` are in milliseconds.
 * @param {PaneRecord} record @param {boolean} asking @param {number} now */
export function waitingText(record, asking, now) {
  const { begun, expected_s: expected, since } = record;
  const words = stageText(record, asking);
  if (asking) return words;
  const seconds = begun && since ? Math.floor((now - since) / 1000) : 0;
  const about = expected && expected >= 3 ? `about ${durationText(expected)}` : "";
  if (!begun) return about ? `${words}; ${about}` : words;
  if (seconds < 3) return about ? `${words} ${about}` : words;
  return `${words} ${seconds} s${about && ` of ${about}`}`;
}
