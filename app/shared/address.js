/** The address bar as the browser has it; what stands in it is the business of link.js. */

/** A part of the page. @typedef {{share: Share<any>, state: object, follow: (hash: string) => void}} Part */

/** Write a part's state into the address, unless that says it already. */
export function writeLink(/** @type {Part} */ { share, state }) {
  if (share.says(location.hash, state)) return;
  history.replaceState(history.state, "", share.into(location.hash, state));
}

/** The address was edited, or a link inside the page was followed, to something else than is shown. */
export function onLink(/** @type {Part} */ part) {
  addEventListener("hashchange", ({ newURL }) => {
    // By the time this runs, the address itself may have been written over by `writeLink`.
    const { hash } = new URL(newURL);
    if (hash.includes("=") && !part.share.says(hash, part.state)) part.follow(hash);
  });
}
