// plotly, and what all charts have in common.

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
export const SETTINGS = { displayModeBar: false, responsive: true, doubleClick: false, scrollZoom: false };

let loading = null;

/** plotly, once somebody wants a chart. */
export function plotly() {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = document.documentElement.dataset.plotly;
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error("plotly did not load"));
    document.head.append(script);
  });
  return loading;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The layout of every chart, in the colours of the page. */
export function house() {
  return {
    autosize: true,
    margin: { l: 50, r: 16, t: 16, b: 34 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: FONT, size: 12, color: colour("--soft") },
    showlegend: false,
    hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--grid"), font: { color: colour("--ink"), size: 12 } },
  };
}

/** An axis that nobody drags. */
export function axis() {
  const grid = colour("--grid");
  return { gridcolor: grid, tickcolor: grid, zeroline: false, fixedrange: true, automargin: true };
}

/** A name that plotly shows as it is. */
export const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("%{", "% {");
