/** Weights that come to the server, or leave it, while the page is open. */

const ASK_MS = 10_000;

/** Ask now and then, while somebody looks at the page; menus follow, the panes stay as they are.
 * @param {Viewer} viewer @param {ViewerHost} host */
export function listenToArrivals(viewer, host) {
  let { stamp } = host;
  const ask = async () => {
    if (!viewer.root.isConnected) return end();
    const news = document.hidden ? null : await viewer.exchange.news(stamp);
    if (!news || news.stamp === stamp) return;
    stamp = news.stamp;
    Object.assign(viewer.catalogue, news.catalogue);
    viewer.questions.keepPanes();
    viewer.render();
    host.arrived();
  };
  const end = () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", ask);
  };
  const timer = setInterval(ask, ASK_MS);
  document.addEventListener("visibilitychange", ask);
}
