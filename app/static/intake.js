/** How a picture gets in: a file, a drop, the clipboard, the camera. */

const endsIn = (file, ending) => (file.name ?? "").toLowerCase().endsWith(ending);

/** `take(kind, file)` gets ("photo" | "file" | "table", File). */
export function listenToFiles(root, take) {
  const input = root.querySelector("input[type=file]");
  const kindOf = (file) => (endsIn(file, ".mode") ? "file" : endsIn(file, ".csv") ? "table" : "photo");
  const give = (file) => file && take(kindOf(file), file);
  root.querySelector("[data-do=open]").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    give(input.files[0]);
    input.value = "";
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])][0];
    if (!file) return;
    event.preventDefault();
    give(file);
  });
  listenToDrops(root, give);
  listenToCamera(root, give);
}

/** A .mode file may be damaged: what is on the screen stays until the server has opened it. */
export class Trial {
  constructor(viewer) {
    this.viewer = viewer;
    this.end();
  }

  start(key, name) {
    const { viewer } = this;
    viewer.forget();
    this.file = { key, name };
    viewer.words.tell("Decoding…");
    viewer.exchange.openFile(key, []);
  }

  end() {
    this.file = null;
    this.refused = ""; // why the last one was not opened, until what it interrupted is there
  }

  /** Whether an answer is for the viewer: one that opens the file is, and all of other questions. */
  lets(value) {
    if (!this.file) return true;
    const { viewer, file } = this;
    if (value.error) return this.refuse(value.error);
    if (value.done) {
      this.file = null;
      viewer.replace(file.key, file.name, [], file.key);
    } else viewer.words.tellProgress(value);
    return value.done;
  }

  /** Say why, and ask again for what the file has interrupted. */
  refuse(words) {
    const { viewer } = this;
    this.file = null;
    if (viewer.busy) viewer.ask();
    this.refused = `Not opened: ${words}`;
    viewer.words.tell(this.refused, true);
    return false;
  }
}

function listenToDrops(root, give) {
  let depth = 0;
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = () => root.classList.toggle("dropping", depth > 0);
  const isOurs = (event) => carries(event) && root.contains(event.target);
  // Beside the viewer and the curves, the browser would leave the page and show the file.
  for (const kind of ["dragover", "drop"]) {
    addEventListener(kind, (event) => {
      if (event.defaultPrevented || !carries(event)) return;
      event.preventDefault();
      if (kind === "drop") give(event.dataTransfer.files[0]);
    });
  }
  root.addEventListener("dragenter", (event) => {
    if (!isOurs(event)) return;
    depth += 1;
    mark();
  });
  root.addEventListener("dragleave", (event) => {
    if (!isOurs(event)) return;
    depth = Math.max(0, depth - 1);
    mark();
  });
  root.addEventListener("dragover", (event) => isOurs(event) && event.preventDefault());
  root.addEventListener("drop", (event) => {
    if (!isOurs(event)) return;
    event.preventDefault();
    depth = 0;
    mark();
    give(event.dataTransfer.files[0]);
  });
}

function listenToCamera(root, give) {
  const dialog = root.querySelector("dialog.camera");
  const video = dialog.querySelector("video");
  const button = root.querySelector("[data-do=camera]");
  if (!navigator.mediaDevices?.getUserMedia) {
    button.hidden = true;
    return;
  }
  const stop = () => video.srcObject?.getTracks().forEach((track) => track.stop());
  button.addEventListener("click", async () => {
    const words = dialog.querySelector("p");
    words.textContent = "";
    dialog.showModal();
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1920 } });
    } catch {
      words.textContent = "There is no camera, or the browser was not allowed to use it.";
    }
  });
  dialog.addEventListener("close", stop);
  dialog.querySelector("[data-do=shoot]").addEventListener("click", () => {
    if (!video.videoWidth) return;
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.convertToBlob({ type: "image/png" }).then((blob) => {
      dialog.close();
      give(new File([blob], "camera.png", { type: "image/png" }));
    });
  });
}
