/** How a picture gets in: a file, a drop, the clipboard, the camera. */

import { carriesFiles, find, onFiles } from "../../shared/dom.js";

/** @typedef {(file: File | undefined) => void} Give */

/** @param {File} file @returns {FileKind} */
function kindOf({ name = "" }) {
  const ends = (/** @type {string} */ ending) => name.toLowerCase().endsWith(ending);
  return ends(".mode") ? "file" : ends(".csv") ? "table" : "photo";
}

/** @param {HTMLElement} root @param {(kind: FileKind, file: File) => void} take */
export function listenToFiles(root, take) {
  const input = find(root, "input[type=file]", HTMLInputElement);
  const give = (/** @type {File | undefined} */ file) => {
    if (file) take(kindOf(file), file);
  };
  find(root, "[data-do=open]").addEventListener("click", () => input.click());
  onFiles(input, root, "dropping", ([file]) => give(file));
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (!file) return;
    event.preventDefault();
    give(file);
  });
  listenBesideDrops(give);
  listenToCamera(root, give);
}

/** Beside the viewer and the curves, the browser would leave the page and show the file. @param {Give} give */
function listenBesideDrops(give) {
  const caught = (/** @type {DragEvent} */ event) => {
    if (event.defaultPrevented || !carriesFiles(event)) return;
    event.preventDefault();
    if (event.type === "drop") give(event.dataTransfer?.files[0]);
  };
  addEventListener("dragover", caught);
  addEventListener("drop", caught);
}

function listenToCamera(/** @type {HTMLElement} */ root, /** @type {Give} */ give) {
  const dialog = find(root, "dialog.camera", HTMLDialogElement);
  const video = find(dialog, "video", HTMLVideoElement);
  const button = find(root, "[data-do=camera]");
  if (!navigator.mediaDevices?.getUserMedia) {
    button.hidden = true;
    return;
  }
  button.addEventListener("click", async () => {
    const words = find(dialog, "p");
    words.textContent = "";
    dialog.showModal();
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1920 } });
    } catch {
      words.textContent = "There is no camera, or the browser was not allowed to use it.";
    }
  });
  dialog.addEventListener("close", () => {
    const stream = /** @type {MediaStream | null} */ (video.srcObject);
    stream?.getTracks().forEach((track) => track.stop());
  });
  find(dialog, "[data-do=shoot]").addEventListener("click", async () => {
    if (!video.videoWidth) return;
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/png" });
    dialog.close();
    give(new File([blob], "camera.png", { type: "image/png" }));
  });
}
