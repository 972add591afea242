/** What coding will take, and how far it is, in words. Pure. */

import { counted } from "../../shared/phrases.js";

/** Seconds that files of so many pixels take, each with so many pictures out of it; undefined if one
 * of them has not been seen here yet. The server's lines hold for all pictures: they are only read here.
 * @param {Pace} pace @param {{codec: string, pictures: number}[]} files @param {number} pixels */
export function secondsFor(pace, files, pixels) {
  let sum = 0;
  for (const { codec, pictures } of files) {
    const { encode, decode } = pace[codec] ?? {};
    if (!encode || !decode) return undefined;
    sum += onLine(encode, pixels / 1e6) + pictures * onLine(decode, pixels / 1e6);
  }
  return sum;
}

/** The value between the two knots beside a place. @param {number[][]} line @param {number} place */
function onLine(line, place) {
  const after = Math.max(1, line.findIndex(([size]) => size >= place));
  const [[from, low], [to, high]] = [line[after - 1], line[after]];
  return low + ((high - low) * (place - from)) / (to - from);
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

/** How far the server is with a question. @param {Answer} answer */
export function progressText({ panes, position, wait_s: wait, others, done, note, bpp, has_original: coded }) {
  const count = (/** @type {string} */ state) => panes.filter((pane) => pane.state === state).length;
  if (position && !others) return `The server is getting ready…${worthTelling(wait, " ")}`;
  if (position) return `Busy, position ${position}: others come first${worthTelling(wait, ", for ")}`;
  if (!coded && !done) return `Decoding…${worthTelling(panes[0]?.expected_s, " ")}`;
  const what = coded
    ? `${count("ready")} of ${panes.length} panes${sizesText(panes, bpp)}`
    : `${counted(count("ready"), "picture")} in this file`;
  const failed = count("failed") ? `, ${count("failed")} failed` : "";
  return done ? [`${what}${failed}.`, note].filter(Boolean).join(" ") : `${what}…`;
}

/** At which size panes are: at the common one, or how many have their own. @param {PaneAnswer[]} panes @param {number} bpp */
function sizesText(panes, bpp) {
  const own = panes.filter((pane) => typeof pane.own_bpp === "number").length;
  const common = panes.some((pane) => pane.codec && typeof pane.own_bpp !== "number") || !own ? ` at ${bpp} bpp` : "";
  return own ? `${common}, ${own} with ${own > 1 ? "sizes of their own" : "a size of its own"}` : common;
}

/** About so long, where that is more than a moment. @param {number | null | undefined} seconds */
const worthTelling = (seconds, before = "") => (seconds && seconds >= 3 ? before + aboutText(seconds) : "");

/** What becomes of a pane that has no picture yet: whether the visitor is asked, or others come first.
 * @param {PaneRecord} record @param {boolean} asking */
export const stageText = ({ begun, decodes }, asking) => {
  if (asking) return "not coded yet";
  if (!begun) return "waits";
  return decodes ? "decoding…" : "coding…";
};

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
