/** The address bar as the browser has it; what stands in it is the business of link.js. */

/** A part of the page. @typedef {{share: Share<any>, state: object, follow: (hash: string) => void}} Part */

/** Write a part's state into the address, unless that says it already; Back undoes a `step`. */
export function writeLink(/** @type {Part} */ { share, state }, step = false) {
  if (share.says(location.hash, state)) return;
  const where = /** @type {const} */ ([history.state, "", share.into(location.hash, state)]);
  if (step) history.pushState(...where);
  else history.replaceState(...where);
}

/** A step to something that no address can hold. */
export const stepAside = () => history.pushState(history.state, "", location.href);

/** The address is another one than before: edited, by a link in the page, or on the way back or forth. */
export function onLink(/** @type {Part} */ part) {
  addEventListener("popstate", () => {
    const { hash } = location;
    if (hash.includes("=") && !part.share.says(hash, part.state)) part.follow(hash);
  });
}
