/** The viewer of this page, for other parts that are made at their own time. */

/** @type {(viewer: Viewer) => void} */
let resolve = () => {};
const viewer = /** @type {Promise<Viewer>} */ (new Promise((resolved) => (resolve = resolved)));

export const mounted = { viewer, tell: (/** @type {Viewer} */ made) => resolve(made) };
