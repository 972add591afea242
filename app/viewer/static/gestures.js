/** Wheel, drag, pinch and double click, as changes of the one shared view. */

import { nextScale, panBy, pictureAt, zoomAt } from "./geometry.js";

const SPLIT_REACH = 18; // CSS pixels

/** @typedef {{clientX: number, clientY: number}} OnPage */
/** @typedef {Framed & {canvas: HTMLCanvasElement, point: Place}} Under the point is one of the frame */

export function listenToGestures(/** @type {Viewer} */ viewer) {
  listenToLooking(viewer);
  listenToMinimap(viewer);
}

/** All of them that need no small picture. @param {Looking} viewer */
export function listenToLooking(viewer) {
  listenToZoom(viewer);
  listenToDrags(viewer);
}

/** What lies under the pointer: the canvas that holds it, or else the one it is over.
 * @param {Looking} viewer @param {MouseEvent} event @param {HTMLCanvasElement} [held] */
function underPointer({ stage }, event, held) {
  const over = event.target instanceof Element ? event.target.closest("canvas[data-pane]") : null;
  const canvas = held ?? /** @type {HTMLCanvasElement | null} */ (over);
  const target = canvas && stage.target(canvas);
  return target && { canvas, ...target, point: pointOf(canvas, target.frame, event) };
}

/** @param {HTMLCanvasElement} canvas @param {Size} frame @param {OnPage} at */
function pointOf(canvas, frame, { clientX, clientY }) {
  const box = canvas.getBoundingClientRect();
  const ratio = frame.width / box.width;
  return { x: (clientX - box.left) * ratio, y: (clientY - box.top) * ratio };
}

function listenToZoom(/** @type {Looking} */ viewer) {
  const { root } = viewer.stage;
  const zoom = (/** @type {Under} */ under, /** @type {number} */ scale) =>
    viewer.setView(zoomAt(viewer.seen, scale, under.point, under));
  const turn = (/** @type {WheelEvent} */ event) => {
    const under = underPointer(viewer, event);
    if (!under) return;
    event.preventDefault();
    const { scale } = viewer.seen;
    // A mouse wheel clicks from one round scale to the next; a touch pad glides.
    const clicks = event.deltaMode !== 0 || Math.abs(event.deltaY) >= 50;
    const next = nextScale(scale, -Math.sign(event.deltaY));
    zoom(under, clicks && !event.ctrlKey ? next : scale * Math.exp(-event.deltaY * 0.01));
  };
  root.addEventListener("wheel", turn, { passive: false });
  root.addEventListener("dblclick", (event) => {
    const under = underPointer(viewer, event);
    if (under) zoom(under, viewer.seen.scale === 2 ? 1 : 2);
  });
}

function listenToDrags(/** @type {Looking} */ viewer) {
  const { stage } = viewer;
  const fingers = /** @type {Map<number, OnPage>} */ (new Map());
  let moving = /** @type {{canvas: HTMLCanvasElement, split: boolean} | null} */ (null);
  stage.root.addEventListener("pointerdown", (event) => {
    const under = underPointer(viewer, event);
    if (!under || event.button > 0) return;
    const { canvas, frame, point } = under;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    const { mode, split } = viewer.state;
    const away = (point.x / frame.width - split) * canvas.clientWidth;
    moving = { canvas, split: mode === "swipe" && Math.abs(away) < SPLIT_REACH };
    stage.root.focus({ preventScroll: true });
    event.preventDefault();
  });
  stage.root.addEventListener("pointermove", (event) => {
    const under = underPointer(viewer, event, moving?.canvas);
    if (!under) return stage.point(null);
    const { frame, point } = under;
    const share = { x: point.x / frame.width, y: point.y / frame.height };
    stage.point({ place: pictureAt(viewer.seen, point, under), share });
    const before = fingers.get(event.pointerId);
    if (!before || !moving) return;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (moving.split) viewer.actions.split(share.x);
    else viewer.setView(moved(viewer.seen, under, before, other));
    fingers.set(event.pointerId, event);
  });
  const release = (/** @type {PointerEvent} */ event) => {
    fingers.delete(event.pointerId);
    if (!fingers.size) moving = null;
  };
  stage.root.addEventListener("pointerup", release);
  stage.root.addEventListener("pointercancel", release);
  stage.root.addEventListener("pointerleave", () => stage.point(null));
}

/** The view after a finger has come to a point, beside another one if there is one.
 * @param {View} view @param {Under} under @param {OnPage} before @param {OnPage} [beside] */
function moved(view, under, before, beside) {
  const { canvas, picture, frame, point } = under;
  const last = pointOf(canvas, frame, before);
  const step = { x: point.x - last.x, y: point.y - last.y };
  if (!beside) return panBy(view, step.x, step.y, picture);
  const other = pointOf(canvas, frame, beside);
  const distance = (/** @type {Place} */ place) => Math.hypot(place.x - other.x, place.y - other.y) || 1;
  const middle = { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
  // Each finger carries half of the shift of their middle.
  const shifted = panBy(view, step.x / 2, step.y / 2, picture);
  return zoomAt(shifted, view.scale * (distance(point) / distance(last)), middle, under);
}

/** Press or drag in the small picture to go there. @param {Viewer} viewer */
function listenToMinimap(viewer) {
  const { minimap } = viewer.stage;
  const go = (/** @type {PointerEvent} */ { clientX, clientY }) => {
    const box = minimap.getBoundingClientRect();
    const cx = (clientX - box.left) / box.width;
    viewer.setView({ cx, cy: (clientY - box.top) / box.height, scale: viewer.seen.scale });
  };
  minimap.addEventListener("pointerdown", (event) => {
    minimap.setPointerCapture(event.pointerId);
    go(event);
  });
  minimap.addEventListener("pointermove", (event) => event.buttons && go(event));
}
