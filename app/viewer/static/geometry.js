/** Where things are on the screen: pure functions, in device pixels unless a name says otherwise. */

import { clamp } from "../../shared/arithmetic.js";

export const MIN_SCALE = 1 / 32;
export const MAX_SCALE = 32;
const LADDER = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/** Top left corner of the picture inside its frame: whole pixels, so that 1:1 stays 1:1. */
export function originOf(/** @type {View} */ view, /** @type {Framed} */ { picture, frame }) {
  return {
    x: Math.round(frame.width / 2 - view.cx * picture.width * view.scale),
    y: Math.round(frame.height / 2 - view.cy * picture.height * view.scale),
  };
}

/** The view after zooming so that the picture stays put under `point` (from the frame's corner).
 * @param {View} view @param {number} scale @param {Place} point @param {Framed} framed */
export function zoomAt(view, scale, point, { picture, frame }) {
  const next = clamp(scale, MIN_SCALE, MAX_SCALE);
  const shift = 1 / view.scale - 1 / next;
  return {
    scale: next,
    cx: view.cx + ((point.x - frame.width / 2) / picture.width) * shift,
    cy: view.cy + ((point.y - frame.height / 2) / picture.height) * shift,
  };
}

/** The view after dragging the picture by this much.
 * @param {View} view @param {number} dx @param {number} dy @param {Size} picture */
export function panBy(view, dx, dy, picture) {
  return {
    scale: view.scale,
    cx: view.cx - dx / view.scale / picture.width,
    cy: view.cy - dy / view.scale / picture.height,
  };
}

/** The view with no more empty space than there must be. */
export function settle(/** @type {View} */ view, /** @type {Framed} */ { picture, frame }) {
  const within = (/** @type {number} */ centre, /** @type {number} */ length, /** @type {number} */ room) => {
    const half = room / 2 / (length * view.scale);
    return half >= 0.5 ? 0.5 : clamp(centre, half, 1 - half);
  };
  return {
    scale: view.scale,
    cx: within(view.cx, picture.width, frame.width),
    cy: within(view.cy, picture.height, frame.height),
  };
}

/** The view as it is on the screen, whatever the frame is: the whole picture where `fit` is wished for, or all
 * that another frame shows, whose `reach` this is. @param {View & Wished} wish @param {Framed} framed @returns {View} */
export function seenView(wish, framed) {
  if (wish.fit) return { cx: 0.5, cy: 0.5, scale: fitScale(framed) };
  return settle(wish.reach ? { ...wish, scale: reachScale(wish.scale, wish.reach, framed.frame) } : wish, framed);
}

/** The scale at which all that another frame reaches at `scale` is in this frame as well: its own scale in a frame
 * of its size; otherwise as large as can be, above 100 % in whole steps, so that pixels stay squares.
 * @param {number} scale @param {Size} reach @param {Size} frame */
export function reachScale(scale, reach, frame) {
  const most = Math.min(frame.width / reach.width, frame.height / reach.height);
  if (Math.abs(most / scale - 1) < 1e-3) return scale;
  return clamp(most > 1 ? Math.floor(most) : most, MIN_SCALE, MAX_SCALE);
}

/** The scale at which the whole picture is seen; a whole multiple when that enlarges it. */
export function fitScale(/** @type {Framed} */ { picture, frame }) {
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  return clamp(scale > 1 ? Math.floor(scale) : scale, MIN_SCALE, MAX_SCALE);
}

/** The next round scale up or down. @param {number} scale @param {number} direction */
export function nextScale(scale, direction) {
  const beyond = LADDER.filter((step) => (step - scale) * direction > scale * 1e-3);
  return beyond.at(direction > 0 ? 0 : -1) ?? scale;
}

/** All pixels of the picture of which any part is inside the frame. */
export function visibleRegion(/** @type {View} */ view, /** @type {Framed} */ framed) {
  const { picture, frame } = framed;
  const origin = originOf(view, framed);
  const span = (/** @type {number} */ start, /** @type {number} */ length, /** @type {number} */ room) => {
    const first = clamp(Math.floor(-start / view.scale), 0, length);
    const end = clamp(Math.ceil((room - start) / view.scale), 0, length);
    return [first, Math.max(0, end - first)];
  };
  const [x, width] = span(origin.x, picture.width, frame.width);
  const [y, height] = span(origin.y, picture.height, frame.height);
  return { x, y, width, height };
}

/** Whether a region is all of the picture. @param {Region} region @param {Size} picture */
export const isWhole = ({ width, height }, picture) => width === picture.width && height === picture.height;

/** @param {Region} region @returns {Box} */
export const boxOf = ({ x, y, width, height }, by = 1) => [x * by, y * by, width * by, height * by];

/** The place in the picture, in its pixels, under a point of the frame. */
export function pictureAt(/** @type {View} */ view, /** @type {Place} */ point, /** @type {Framed} */ framed) {
  const origin = originOf(view, framed);
  return { x: (point.x - origin.x) / view.scale, y: (point.y - origin.y) / view.scale };
}

/** Columns that make `count` frames of this shape as large as they can be in the room.
 * @param {number} count @param {Size} picture @param {Size} room */
export function columnsFor(count, picture, room, caption = 24) {
  let best = { columns: 1, scale: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const scale = Math.min(
      room.width / columns / picture.width,
      Math.max(1, room.height / rows - caption) / picture.height,
    );
    if (scale > best.scale * 1.001) best = { columns, scale };
  }
  return best.columns;
}
