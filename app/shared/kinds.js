/** What a file is, by its name and what the browser takes it for; the server looks inside. Pure. */

/** Not all browsers know all of these; of a folder that is dropped some tell nothing. */
const PICTURES = [".png", ".jpg", ".jpeg", ".webp", ".avif", ".jxl", ".heic", ".gif", ".bmp", ".tif", ".tiff", ".ppm"];
const TABLES = [".csv", ".tsv", ".txt"];

/** @param {Pick<File, "name" | "type">} file @returns {"file" | "picture" | "table" | "archive" | "other"} */
export function kindOf({ name, type }) {
  const ends = (/** @type {string} */ ending) => name.toLowerCase().endsWith(ending);
  if (ends(".mode")) return "file";
  if (ends(".zip")) return "archive";
  if (TABLES.some(ends)) return "table";
  return PICTURES.some(ends) || type.startsWith("image/") ? "picture" : "other";
}
