/** Phrases that both parts of the page use. Pure. */

/** What must be said of public weights wherever their results are. @param {{licence?: string}} result */
export const licenceOf = ({ licence }) => (licence ? `weights: ${licence}` : "");

/** Whose weights made a picture and, if they are not ours, on what terms.
 * @param {{whose?: string, licence?: string}} result */
export const weightsOf = ({ whose = "", licence }) =>
  licence ? `${whose}: ${licence}` : whose && `weights: ${whose}`;

/** @param {number} count @param {string} noun */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
