// Sales, forecast and interval of a title, drawn by Plotly in the colours of the style sheet.

import { copies, date, percent } from "./text.js";

let loading = null;

export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.documentElement.dataset.plotly;
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => reject(new Error("no Plotly")));
    document.head.append(script);
  });
  return loading;
}

// Returns false if there is no Plotly to draw with.
export async function draw(place, history, forecast, level, span) {
  let Plotly;
  try {
    Plotly = await plotly();
  } catch {
    return false;
  }
  const colour = palette();
  await put(
    Plotly,
    place,
    traces(history, forecast, level, colour),
    layout(history, forecast, span, colour, place.clientWidth),
  );
  return true;
}

// Draws with Plotly what a picture consists of.
export async function put(Plotly, place, data, look) {
  // Plotly measures its place when it draws first and when the window changes; paper is no window.
  const width = place.clientWidth || undefined;
  await Plotly.react(place, data, { ...look, width }, {
    displayModeBar: false,
    responsive: true,
    doubleClick: "reset",
  });
  // Words beside the plot describe it; a screen reader would read its parts one by one.
  place.firstElementChild?.setAttribute("aria-hidden", "true");
  // Plotly measures texts with this, outside of the page.
  document.getElementById("js-plotly-tester")?.setAttribute("aria-hidden", "true");
}

export function palette() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "quiet", "line", "paper", "sales", "forecast", "band", "bar", "gap"];
  names.push("plan", "plan-band", "season", "holidays", "promotion", "trend", "other");
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function traces(history, forecast, level, colour) {
  const { weeks: x, mean } = forecast;
  const [{ lower, upper }] = forecast.intervals;
  const edge = { mode: "lines", line: { width: 0 }, hoverinfo: "skip", x };
  return [
    { ...edge, y: lower, name: "At least" },
    { ...edge, y: upper, name: `${percent(level)} interval`, fill: "tonexty", fillcolor: colour.band },
    {
      x: history.weeks,
      y: history.volumes,
      name: "Sold",
      mode: "lines",
      line: { color: colour.sales, width: 1.5 },
      hovertemplate: "%{customdata} sold<extra></extra>",
      customdata: history.volumes.map(copies),
    },
    {
      x,
      y: mean,
      name: "Expected",
      mode: x.length === 1 ? "markers" : "lines",
      line: { color: colour.forecast, width: 2.5 },
      marker: { color: colour.forecast, size: 8 },
      cliponaxis: false,
      // A band of one week has no width.
      error_y: {
        visible: x.length === 1,
        symmetric: false,
        array: [upper[0] - mean[0]],
        arrayminus: [mean[0] - lower[0]],
        color: colour.bar,
        thickness: 8,
        width: 0,
      },
      hovertemplate: `%{customdata[0]} expected<br>${percent(level)}: %{customdata[1]} to %{customdata[2]}<extra></extra>`,
      customdata: mean.map((week, i) => [copies(week), copies(lower[i]), copies(upper[i])]),
    },
  ];
}

// The index of the first past week that is shown; `span` is in years, or "all".
export const firstShown = (history, span) =>
  span === "all" ? 0 : Math.max(0, history.weeks.length - 52 * span);

function layout(history, forecast, span, colour, width) {
  const first = firstShown(history, span);
  const start = history.weeks[first] ?? forecast.weeks[0];
  const last = forecast.weeks.at(-1);
  const end = forecast.weeks.length === 1 ? shifted(last, 84) : last;
  const highest = Math.max(
    1,
    ...history.volumes.slice(first).filter((volume) => volume !== null),
    ...forecast.intervals[0].upper,
  );
  const narrow = width < 500;
  const past = fraction(start, forecast.cutoff, end);
  return {
    margin: { l: 44, r: 12, t: narrow ? 46 : 26, b: 34 },
    paper_bgcolor: colour.paper,
    plot_bgcolor: colour.paper,
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour.ink },
    showlegend: false,
    hovermode: "x unified",
    hoverlabel: { bgcolor: colour.paper, bordercolor: colour.line, font: { color: colour.ink } },
    // A finger that moves over the plot scrolls the page.
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    xaxis: {
      type: "date",
      range: [start, end],
      gridcolor: colour.line,
      linecolor: colour.quiet,
      tickfont: { color: colour.quiet },
      hoverformat: "Week to %-d %b %Y",
      nticks: narrow ? 5 : 12,
    },
    yaxis: {
      range: [0, highest * 1.05],
      gridcolor: colour.line,
      zerolinecolor: colour.quiet,
      tickfont: { color: colour.quiet },
      tickformat: highest < 10_000 ? ",~r" : "~s",
    },
    shapes: [
      ...gaps(history).map(([from, to]) => ({
        type: "rect",
        x0: from,
        x1: to,
        yref: "paper",
        y0: 0,
        y1: 1,
        fillcolor: colour.gap,
        line: { width: 0 },
        layer: "below",
      })),
      {
        type: "line",
        x0: forecast.cutoff,
        x1: forecast.cutoff,
        yref: "paper",
        y0: 0,
        y1: 1,
        line: { color: colour.quiet, width: 1, dash: "dot" },
      },
    ],
    annotations: [
      {
        x: forecast.cutoff,
        yref: "paper",
        y: 1,
        yanchor: "bottom",
        xanchor: past < 0.3 ? "left" : past > 0.7 ? "right" : "center",
        text: `Sales known to ${date(forecast.cutoff)}`,
        showarrow: false,
        font: { size: 12, color: colour.quiet },
      },
      {
        xref: "paper",
        x: 0,
        xanchor: "left",
        xshift: -40,
        yref: "paper",
        y: 1,
        yanchor: "bottom",
        yshift: narrow ? 20 : 0,
        text: "Copies a week",
        showarrow: false,
        font: { size: 12, color: colour.quiet },
      },
    ],
  };
}

const fraction = (start, day, end) =>
  (Date.parse(day) - Date.parse(start)) / (Date.parse(end) - Date.parse(start));

// Runs of weeks that were not reported, half a week wider on both sides so that one can be seen.
export function gaps(history) {
  const found = [];
  history.volumes.forEach((volume, at) => {
    if (volume !== null) return;
    const [from, to] = [shifted(history.weeks[at], -84), shifted(history.weeks[at], 84)];
    if (found.length && at > 0 && history.volumes[at - 1] === null) found.at(-1)[1] = to;
    else found.push([from, to]);
  });
  return found;
}

function shifted(iso, hours) {
  return new Date(Date.parse(iso) + hours * 3_600_000).toISOString();
}
