/** How a picture gets in: a file, a drop, the clipboard, the camera. */

import { carriesFiles, find, onFiles } from "../../shared/dom.js";

/** Take files; they were chosen to be panes, or it is open what they are.
 * @typedef {(files: File[], asPanes?: boolean) => void} Give */

/** What lets a visitor choose files. @param {HTMLElement} root @param {Give} give */
export function listenToFiles(root, give) {
  const input = find(root, "input[type=file]", HTMLInputElement);
  const { accept } = input;
  let panes = false;
  const choose = (/** @type {boolean} */ asPanes) => {
    panes = asPanes;
    input.accept = asPanes ? "" : accept; // bitstreams beside pictures may have any name
    input.click();
  };
  find(root, "[data-do=open]").addEventListener("click", () => choose(false));
  input.addEventListener("cancel", () => (panes = false));
  onFiles(input, root, "dropping", (files) => {
    const asPanes = panes;
    panes = false;
    give(files, asPanes);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    give(files);
  });
  listenBesideDrops(give);
  listenToCamera(root, give);
  return choose;
}

/** Beside the viewer and the curves, the browser would leave the page and show the file. @param {Give} give */
function listenBesideDrops(give) {
  const caught = (/** @type {DragEvent} */ event) => {
    if (event.defaultPrevented || !carriesFiles(event)) return;
    event.preventDefault();
    if (event.type === "drop") give([...(event.dataTransfer?.files ?? [])]);
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
    give([new File([blob], "camera.png", { type: "image/png" })]);
  });
}
