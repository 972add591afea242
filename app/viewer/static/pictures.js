/** Decoded pictures in the browser, exactly as the server sent them, bounded by their bytes. */

const LIMIT = 700e6;
const SMALL_SIDE = 2048;
/** Colour management and premultiplication off: either would change the decoder's numbers. */
const AS_IT_IS = /** @type {const} */ ({ colorSpaceConversion: "none", premultiplyAlpha: "none" });

export class Pictures {
  constructor() {
    /** @type {Map<string, {ready: Promise<Picture>, picture: Picture | null}>} */
    this.entries = new Map();
  }

  /** The picture if it is here already; asking makes it the most recently used. @param {string} url */
  peek(url) {
    const entry = this.entries.get(url);
    if (!entry) return null;
    this.entries.delete(url);
    this.entries.set(url, entry);
    return entry.picture;
  }

  /** The picture, fetched once. @param {string} url @returns {Promise<Picture>} */
  load(url) {
    const known = this.entries.get(url);
    if (known) return known.ready;
    const entry = { picture: /** @type {Picture | null} */ (null), ready: decode(url) };
    this.entries.set(url, entry);
    entry.ready.then(
      (picture) => (entry.picture = picture),
      () => this.entries.delete(url),
    );
    return entry.ready;
  }

  /** Forget the least recently used beyond the limit, but none that is shown. @param {Set<string>} shown */
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

/** @param {string} url @returns {Promise<Picture>} */
async function decode(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status}`);
  const bitmap = await createImageBitmap(await answer.blob(), AS_IT_IS);
  const { width, height } = bitmap;
  const shrink = SMALL_SIDE / Math.max(width, height);
  const resizeWidth = Math.round(width * shrink);
  const resizeHeight = Math.round(height * shrink);
  const how = { resizeWidth, resizeHeight, resizeQuality: /** @type {const} */ ("high") };
  return { bitmap, small: shrink < 1 ? await createImageBitmap(bitmap, how) : null, width, height };
}
