/** Talking to the server about one test. */

/** Where this test is, and the host's secret if this is the host's own link; the server never sees
 * what stands behind the # as part of an address. */
export function whereabouts() {
  const test = location.pathname.split("/").at(-1) ?? "";
  const host = new URLSearchParams(location.hash.slice(1)).get("host") ?? "";
  return { test, host };
}

/** The server's answer, or {error}. @template T
 * @param {string} what @param {object} asked @returns {Promise<T & {error?: string}>} */
export async function ask(what, asked) {
  try {
    const answer = await fetch(what, { method: "POST", body: JSON.stringify(asked) });
    return await answer.json();
  } catch {
    return /** @type {T & {error: string}} */ ({ error: "the server did not answer; is it still running?" });
  }
}
