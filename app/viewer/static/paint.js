/** Pictures onto canvases. One canvas pixel is one screen pixel, and a canvas is as large as its frame. */

import { difference } from "./difference.js";
import { boxOf, originOf, visibleRegion } from "./geometry.js";

/** @typedef {CanvasRenderingContext2D} Context */

/** Neutral, the same in light and dark: a bright frame would change how colours look. */
export const SURROUND = "#777";
const MOST_COMPARED = 4e6;
const LOUPE_POWER = 4;
const DOT = 10; // CSS pixels

/** A canvas of this size in device pixels, cleared; what is drawn stands on this ground.
 * @param {HTMLCanvasElement} canvas @param {Size} frame */
export function prepare(canvas, frame, ground = SURROUND) {
  if (canvas.width !== frame.width) canvas.width = frame.width;
  if (canvas.height !== frame.height) canvas.height = frame.height;
  const context = /** @type {Context} */ (canvas.getContext("2d", { alpha: false }));
  context.fillStyle = ground;
  context.fillRect(0, 0, frame.width, frame.height);
  return context;
}

/** Draw inside a box alone. @param {Context} context @param {Box} box @param {() => void} draw */
export function clipped(context, box, draw) {
  context.save();
  context.beginPath();
  context.rect(...box);
  context.clip();
  draw();
  context.restore();
}

/** Draw what is visible of the picture; pixels stay squares from 100 % up unless `smooth`.
 * @param {Context} context @param {Picture} picture @param {View} view @param {boolean} smooth */
export function drawPicture(context, picture, view, smooth) {
  const region = visibleRegion(view, { picture, frame: context.canvas });
  if (!region.width || !region.height) return;
  const { bitmap, small, width } = picture;
  const source = small && view.scale <= small.width / width ? small : bitmap;
  place(context, source, boxOf(region, source.width / width), region, picture, view, smooth);
}

/** Draw the difference between two pictures where it is visible.
 * @param {Context} context @param {Picture} reference @param {Picture} picture @param {State} state */
export function drawDifference(context, reference, picture, state) {
  const region = visibleRegion(state, { picture, frame: context.canvas });
  if (!region.width || !region.height) return;
  const ratio = Math.min(1, Math.sqrt(MOST_COMPARED / (region.width * region.height)));
  const map = new OffscreenCanvas(Math.ceil(region.width * ratio), Math.ceil(region.height * ratio));
  const [a, b] = [reference, picture].map(({ bitmap }) => pixelsOf(bitmap, region, map));
  const data = new ImageData(difference(a, b, state.gain, state.signed), map.width, map.height);
  map.getContext("2d", { alpha: false })?.putImageData(data, 0, 0);
  const all = boxOf({ ...region, x: 0, y: 0 }, ratio);
  place(context, map, all, region, picture, state, false);
}

/** A square, magnified around the pointer's place in the picture; without a picture, of what is drawn.
 * @param {Context} context @param {Picture | null} picture @param {Pointer} pointer @param {number} scale */
export function drawLoupe(context, picture, { place: spot, share }, scale) {
  const { width, height } = context.canvas;
  const at = { x: share.x * width, y: share.y * height };
  const side = Math.round(Math.min(width, height) * 0.42);
  const [left, top] = [Math.round(at.x - side / 2), Math.round(at.y - side / 2)];
  clipped(context, [left, top, side, side], () => {
    context.imageSmoothingEnabled = false;
    if (picture) return magnify(context, picture, spot, [left, top, side, side], scale * LOUPE_POWER);
    const seen = side / LOUPE_POWER;
    const from = /** @type {Box} */ ([at.x - seen / 2, at.y - seen / 2, seen, seen]);
    context.drawImage(context.canvas, ...from, left, top, side, side);
  });
  outline(context, [left + 1, top + 1, side - 2, side - 2], "#fff", 2);
  outline(context, [left - 1, top - 1, side + 2, side + 2], "#000", 2);
}

/** A ring that is seen on any ground, around a place that is given as shares of the picture.
 * @param {Context} context @param {Place} dot @param {View} view @param {Size} picture */
export function drawDot(context, dot, view, picture) {
  const origin = originOf(view, { picture, frame: context.canvas });
  const [x, y] = [origin.x + dot.x * picture.width * view.scale, origin.y + dot.y * picture.height * view.scale];
  for (const [colour, width] of /** @type {[string, number][]} */ ([["#000", 7], ["#ffd400", 4]])) {
    context.beginPath();
    context.arc(x, y, DOT * devicePixelRatio, 0, 2 * Math.PI);
    context.strokeStyle = colour;
    context.lineWidth = width * devicePixelRatio;
    context.stroke();
  }
}

/** @param {Context} context @param {Box} box @param {string} colour @param {number} width */
function outline(context, box, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.strokeRect(...box);
}

/** @param {Context} context @param {Picture} picture @param {Place} spot @param {Box} box @param {number} scale */
function magnify(context, picture, spot, [left, top, side], scale) {
  context.fillRect(left, top, side, side);
  const x = left + side / 2 - spot.x * scale;
  const y = top + side / 2 - spot.y * scale;
  const cut = Math.ceil(side / scale / 2) + 1;
  const sx = Math.max(0, Math.floor(spot.x) - cut);
  const sy = Math.max(0, Math.floor(spot.y) - cut);
  const width = Math.min(picture.width - sx, 2 * cut + 1);
  const height = Math.min(picture.height - sy, 2 * cut + 1);
  if (width <= 0 || height <= 0) return;
  const target = /** @type {Box} */ ([x + sx * scale, y + sy * scale, width * scale, height * scale]);
  context.drawImage(picture.bitmap, sx, sy, width, height, ...target);
}

/** The whole picture, small, with the visible part framed; `side` is its longer one.
 * @param {HTMLCanvasElement} canvas @param {Picture} picture @param {View} view @param {Size} frame
 * @param {number} side */
export function drawMinimap(canvas, picture, view, frame, side) {
  const scale = side / Math.max(picture.width, picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const context = prepare(canvas, { width, height });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture.small ?? picture.bitmap, 0, 0, width, height);
  const box = boxOf(visibleRegion(view, { picture, frame }), scale);
  outline(context, box, "#000", 3);
  outline(context, box, "#fff", 1);
}

/** Draw a part of a source where a region of the picture is on the canvas.
 * @param {Context} context @param {CanvasImageSource} source @param {Box} from @param {Region} region
 * @param {Size} picture @param {View} view @param {boolean} smooth */
export function place(context, source, from, region, picture, view, smooth) {
  const origin = originOf(view, { picture, frame: context.canvas });
  const [x, y, width, height] = boxOf(region, view.scale);
  context.imageSmoothingEnabled = smooth || view.scale < 1;
  context.imageSmoothingQuality = "high";
  context.drawImage(source, ...from, origin.x + x, origin.y + y, width, height);
}

let scratch = /** @type {OffscreenCanvas | undefined} */ (undefined);

/** @param {ImageBitmap} bitmap @param {Region} region @param {Size} size */
function pixelsOf(bitmap, region, { width, height }) {
  scratch ??= new OffscreenCanvas(1, 1);
  Object.assign(scratch, { width, height });
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    scratch.getContext("2d", { alpha: false, willReadFrequently: true })
  );
  context.drawImage(bitmap, ...boxOf(region), 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}
