/** What the parts of the page tell each other, as events of the document. */

/** @param {string} name @param {object} [detail] */
export const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

/** Listen to the other part, for as long as this one is on the page.
 * @param {string} name @param {Element} root @param {(detail: any) => void} act */
export function hear(name, root, act) {
  const heard = (/** @type {Event} */ event) => {
    if (root.isConnected) act(/** @type {CustomEvent} */ (event).detail ?? {});
    else document.removeEventListener(name, heard);
  };
  document.addEventListener(name, heard);
}
