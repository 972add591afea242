/** Pictures onto canvases. One canvas pixel is one screen pixel. */

import { difference } from "./difference.js";
import { originOf, visibleRegion } from "./geometry.js";

/** Neutral, the same in light and dark: a bright frame would change how colours look. */
export const SURROUND = "#777";
const MOST_COMPARED = 4e6;

/** A canvas of this size in device pixels, cleared. */
export function prepare(canvas, frame) {
  if (canvas.width !== frame.width) canvas.width = frame.width;
  if (canvas.height !== frame.height) canvas.height = frame.height;
  const context = canvas.getContext("2d", { alpha: false });
  context.fillStyle = SURROUND;
  context.fillRect(0, 0, frame.width, frame.height);
  return context;
}

/** Draw what is visible of the picture; pixels stay squares from 100 % up unless `smooth`. */
export function drawPicture(context, picture, view, frame, smooth) {
  const region = visibleRegion(view, picture, frame);
  if (!region.width || !region.height) return;
  const source = picture.small && view.scale <= picture.small.width / picture.width
    ? picture.small
    : picture.bitmap;
  const ratio = source.width / picture.width;
  place(context, source, region, ratio, view, picture, frame, smooth);
}

/** Draw the difference between two pictures where it is visible. */
export function drawDifference(context, pair, view, frame, { gain, signed }) {
  const [reference, picture] = pair;
  const region = visibleRegion(view, picture, frame);
  if (!region.width || !region.height) return;
  const ratio = Math.min(1, Math.sqrt(MOST_COMPARED / (region.width * region.height)));
  const size = [Math.ceil(region.width * ratio), Math.ceil(region.height * ratio)];
  const [a, b] = [reference, picture].map((one) => pixelsOf(one.bitmap, region, size));
  const map = new OffscreenCanvas(...size);
  map
    .getContext("2d", { alpha: false })
    .putImageData(new ImageData(difference(a, b, gain, signed), ...size), 0, 0);
  const whole = { ...region, x: 0, y: 0 };
  const moved = { x: region.x, y: region.y };
  place(context, map, whole, ratio, view, picture, frame, false, moved);
}

/**
 * A square, magnified `power` times around a place of the picture; without one, of what is drawn.
 */
export function drawLoupe(context, picture, place, at, view, frame, power = 4) {
  const side = Math.round(Math.min(frame.width, frame.height) * 0.42);
  const box = { left: Math.round(at.x - side / 2), top: Math.round(at.y - side / 2), side };
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, side, side);
  context.clip();
  context.imageSmoothingEnabled = false;
  if (picture) magnify(context, picture, place, box, view.scale * power);
  else {
    const seen = side / power;
    const from = [at.x - seen / 2, at.y - seen / 2, seen, seen];
    context.drawImage(context.canvas, ...from, box.left, box.top, side, side);
  }
  context.restore();
  const { left, top } = box;
  context.lineWidth = 2;
  context.strokeStyle = "#fff";
  context.strokeRect(left + 1, top + 1, side - 2, side - 2);
  context.strokeStyle = "#000";
  context.strokeRect(left - 1, top - 1, side + 2, side + 2);
}

function magnify(context, picture, place, { left, top, side }, scale) {
  context.fillStyle = SURROUND;
  context.fillRect(left, top, side, side);
  const x = left + side / 2 - place.x * scale;
  const y = top + side / 2 - place.y * scale;
  const cut = Math.ceil(side / scale / 2) + 1;
  const sx = Math.max(0, Math.floor(place.x) - cut);
  const sy = Math.max(0, Math.floor(place.y) - cut);
  const width = Math.min(picture.width - sx, 2 * cut + 1);
  const height = Math.min(picture.height - sy, 2 * cut + 1);
  if (width <= 0 || height <= 0) return;
  const target = [x + sx * scale, y + sy * scale, width * scale, height * scale];
  context.drawImage(picture.bitmap, sx, sy, width, height, ...target);
}

/** The whole picture, small, with the visible part framed. */
export function drawMinimap(canvas, picture, view, frame, side) {
  const scale = side / Math.max(picture.width, picture.height);
  const size = {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  };
  const context = prepare(canvas, size);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture.small ?? picture.bitmap, 0, 0, size.width, size.height);
  const region = visibleRegion(view, picture, frame);
  const box = [region.x, region.y, region.width, region.height].map((value) => value * scale);
  context.strokeStyle = "#000";
  context.lineWidth = 3;
  context.strokeRect(...box);
  context.strokeStyle = "#fff";
  context.lineWidth = 1;
  context.strokeRect(...box);
}

function place(context, source, region, ratio, view, picture, frame, smooth, moved = region) {
  const origin = originOf(view, picture, frame);
  context.imageSmoothingEnabled = smooth || view.scale < 1;
  context.imageSmoothingQuality = "high";
  context.drawImage(
    source,
    region.x * ratio,
    region.y * ratio,
    region.width * ratio,
    region.height * ratio,
    origin.x + moved.x * view.scale,
    origin.y + moved.y * view.scale,
    region.width * view.scale,
    region.height * view.scale,
  );
}

let scratch = null;

function pixelsOf(bitmap, region, [width, height]) {
  scratch ??= new OffscreenCanvas(1, 1);
  scratch.width = width;
  scratch.height = height;
  const context = scratch.getContext("2d", { alpha: false, willReadFrequently: true });
  context.drawImage(bitmap, region.x, region.y, region.width, region.height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}
