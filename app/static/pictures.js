/** Decoded pictures in the browser, exactly as the server sent them, bounded by their bytes. */

const LIMIT = 700e6;
const SMALL_SIDE = 2048;

/** @typedef {{bitmap: ImageBitmap, small: ImageBitmap | null, width: number, height: number}} Picture */

export class Pictures {
  constructor() {
    /** @type {Map<string, {ready: Promise<Picture>, picture: Picture | null}>} */
    this.entries = new Map();
  }

  /** The picture if it is here already; asking makes it the most recently used. */
  peek(url) {
    const entry = this.entries.get(url);
    if (!entry) return null;
    this.entries.delete(url);
    this.entries.set(url, entry);
    return entry.picture;
  }

  /** The picture, fetched once. */
  load(url) {
    if (!this.entries.has(url)) {
      const entry = { picture: null, ready: decode(url) };
      this.entries.set(url, entry);
      entry.ready.then(
        (picture) => (entry.picture = picture),
        () => this.entries.delete(url),
      );
    }
    return this.entries.get(url).ready;
  }

  /** Forget the least recently used beyond the limit, but none that is shown. */
  trim(shown) {
    let bytes = 0;
    for (const [url, { picture }] of [...this.entries].reverse()) {
      if (!picture) continue;
      bytes += picture.width * picture.height * 4;
      if (bytes > LIMIT && !shown.has(url)) {
        picture.bitmap.close();
        picture.small?.close();
        this.entries.delete(url);
      }
    }
  }
}

/** Colour management and premultiplication off: either would change the decoder's numbers. */
const AS_IT_IS = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

async function decode(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status}`);
  const bitmap = await createImageBitmap(await answer.blob(), AS_IT_IS);
  const { width, height } = bitmap;
  const shrink = SMALL_SIDE / Math.max(width, height);
  const small =
    shrink < 1
      ? await createImageBitmap(bitmap, {
          resizeWidth: Math.round(width * shrink),
          resizeHeight: Math.round(height * shrink),
          resizeQuality: "high",
        })
      : null;
  return { bitmap, small, width, height };
}
