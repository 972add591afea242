/** Wheel, drag, pinch and double click, as changes of the one shared view. */

import { nextScale, panBy, pictureAt, settle, zoomAt } from "./geometry.js";

const SPLIT_REACH = 18;

/**
 * @param {HTMLElement} stage
 * @param {object} host getView, setView(view), target(canvas) -> {picture, frame} | null,
 *   split(canvas) -> x in CSS pixels | null, setSplit(share), hover(place | null)
 */
export function listenToGestures(stage, host) {
  const fingers = new Map();
  let moving = null;

  const at = (event, canvas, frame) => {
    const box = canvas.getBoundingClientRect();
    const ratio = frame.width / box.width;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio, ratio };
  };
  const canvasOf = (event) => event.target.closest?.("canvas[data-pane]");

  stage.addEventListener(
    "wheel",
    (event) => {
      const canvas = canvasOf(event);
      const target = canvas && host.target(canvas);
      if (!target) return;
      event.preventDefault();
      const view = host.getView();
      // A mouse wheel clicks from one round scale to the next; a touch pad glides.
      const clicks = event.deltaMode !== 0 || Math.abs(event.deltaY) >= 50;
      const scale =
        clicks && !event.ctrlKey
          ? nextScale(view.scale, -Math.sign(event.deltaY))
          : view.scale * Math.exp(-event.deltaY * 0.01);
      const point = at(event, canvas, target.frame);
      const next = zoomAt(view, scale, point, target.picture, target.frame);
      host.setView(settle(next, target.picture, target.frame));
    },
    { passive: false },
  );

  stage.addEventListener("pointerdown", (event) => {
    const canvas = canvasOf(event);
    if (!canvas || !host.target(canvas) || event.button > 0) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const split = host.split(canvas);
    const grabs = split !== null && Math.abs(event.clientX - split) < SPLIT_REACH;
    moving = { canvas, split: grabs };
    stage.focus({ preventScroll: true });
    event.preventDefault();
  });

  stage.addEventListener("pointermove", (event) => {
    const canvas = moving?.canvas ?? canvasOf(event);
    const target = canvas && host.target(canvas);
    if (!target) return host.hover(null);
    const point = at(event, canvas, target.frame);
    const place = pictureAt(host.getView(), point, target.picture, target.frame);
    host.hover({ place, share: { x: point.x / target.frame.width, y: point.y / target.frame.height } });
    const before = fingers.get(event.pointerId);
    if (!before || !moving) return;
    if (moving.split) {
      const box = canvas.getBoundingClientRect();
      host.setSplit((event.clientX - box.left) / box.width);
    } else {
      host.setView(settle(moved(event, before, canvas, target), target.picture, target.frame));
    }
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });

  function moved(event, before, canvas, { picture, frame }) {
    const view = host.getView();
    const ratio = frame.width / canvas.getBoundingClientRect().width;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    const step = { x: event.clientX - before.x, y: event.clientY - before.y };
    if (!other) return panBy(view, step.x * ratio, step.y * ratio, picture);
    const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    const now = { x: event.clientX, y: event.clientY };
    const middle = { clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 };
    // Each finger carries half of the shift of their middle.
    const shifted = panBy(view, (step.x / 2) * ratio, (step.y / 2) * ratio, picture);
    const scale = view.scale * (distance(now) / distance(before));
    return zoomAt(shifted, scale, at(middle, canvas, frame), picture, frame);
  }

  const release = (event) => {
    fingers.delete(event.pointerId);
    if (!fingers.size) moving = null;
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
  stage.addEventListener("pointerleave", () => host.hover(null));

  stage.addEventListener("dblclick", (event) => {
    const canvas = canvasOf(event);
    const target = canvas && host.target(canvas);
    if (!target) return;
    const view = host.getView();
    const point = at(event, canvas, target.frame);
    const next = zoomAt(view, view.scale === 2 ? 1 : 2, point, target.picture, target.frame);
    host.setView(settle(next, target.picture, target.frame));
  });
}

/** Press or drag in the small picture to go there. */
export function listenToMinimap(map, go) {
  const told = (event) => {
    const box = map.getBoundingClientRect();
    go({
      cx: (event.clientX - box.left) / box.width,
      cy: (event.clientY - box.top) / box.height,
    });
  };
  map.addEventListener("pointerdown", (event) => {
    map.setPointerCapture(event.pointerId);
    told(event);
  });
  map.addEventListener("pointermove", (event) => event.buttons && told(event));
}
