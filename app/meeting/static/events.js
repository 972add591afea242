/** Gradio's own stream of an event, as any client of its API gets it. */

/** Start an event and listen to it; `end` is told whether it came to its end, or the line was cut.
 * @param {string} root @param {string} name @param {object} wish
 * @param {{take: (told: any) => void, end: (whole: boolean) => void}} to @returns {() => void} what stops listening */
export function listenTo(root, name, wish, { take, end }) {
  const address = `${root}gradio_api/call/${name}`;
  let stopped = false;
  let source = /** @type {EventSource | null} */ (null);
  const stop = () => {
    stopped = true;
    source?.close();
  };
  const over = (/** @type {boolean} */ whole) => {
    if (stopped) return;
    stop();
    end(whole);
  };
  const heard = (/** @type {MessageEvent} */ { data }) => {
    const [told] = JSON.parse(data) ?? [];
    if (told && !stopped) take(told);
  };
  const start = async () => {
    const how = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ data: [wish] }) };
    const answer = await fetch(address, how);
    const { event_id: id } = await answer.json();
    if (stopped) return;
    if (!id) return over(false);
    source = new EventSource(`${address}/${id}`);
    source.addEventListener("generating", heard);
    source.addEventListener("complete", (event) => {
      heard(event);
      over(true);
    });
    source.addEventListener("error", () => over(false)); // the browser's, and Gradio's
  };
  start().catch(() => over(false));
  return stop;
}
