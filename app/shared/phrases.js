/** Phrases that both parts of the page use. Pure. */

/** What must be said of public weights wherever their results are. @param {{licence?: string}} result */
export const licenceOf = ({ licence }) => (licence ? `weights: ${licence}` : "");

/** @param {number} count @param {string} noun */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
