// The smaller pictures of a title: a plan beside the forecast, the parts of a forecast, and the last
// forecast beside what sold.

import { palette, plotly, put } from "./plot.js";
import { copies, date } from "./text.js";

// Lines differ by their dashes too: not everybody tells the colours apart.
export const DASHES = {
  trend: "solid",
  season: "solid",
  holidays: "dot",
  promotion: "dash",
  other: "longdashdot",
};

export function drawPlan(place, { weeks, plain, changed }) {
  return picture(place, (colour) => [
    ...band(weeks, plain.intervals[0], colour.band),
    ...band(weeks, changed.intervals[0], colour["plan-band"]),
    line(weeks, plain.mean, "As it is", colour.forecast),
    line(weeks, changed.mean, "With the plan", colour.plan, "dash"),
  ]);
}

export function drawLast(place, { weeks, mean, lower, upper, sold }) {
  return picture(place, (colour) => [
    ...(lower.length ? band(weeks, { lower, upper }, colour.band) : []),
    line(weeks, mean, "Expected", colour.forecast),
    line(weeks, sold, "Sold", colour.sales, "solid", 1.5),
  ]);
}

export function drawParts(place, { weeks, parts }) {
  return picture(
    place,
    (colour) =>
      parts.map(({ name, label, factors }) => ({
        ...line(weeks, factors, label, colour[name], DASHES[name]),
        hovertemplate: `${label}: %{y:.2f} times<extra></extra>`,
        customdata: null,
      })),
    { title: "Times a usual week", isFactor: true },
  );
}

const line = (x, y, name, colour, dash = "solid", width = 2.25) => ({
  x,
  y,
  name,
  mode: x.length === 1 ? "markers" : "lines",
  line: { color: colour, width, dash },
  marker: { color: colour, size: 8 },
  cliponaxis: false,
  customdata: y.map(copies),
  hovertemplate: `${name}: %{customdata}<extra></extra>`,
});

function band(x, { lower, upper }, colour) {
  const edge = { mode: "lines", line: { width: 0 }, hoverinfo: "skip", x };
  return [
    { ...edge, y: lower },
    { ...edge, y: upper, fill: "tonexty", fillcolor: colour },
  ];
}

// Returns false if there is no Plotly to draw with.
async function picture(place, traces, { title = "Copies a week", isFactor = false } = {}) {
  let Plotly;
  try {
    Plotly = await plotly();
  } catch {
    place.hidden = true;
    return false;
  }
  place.hidden = false;
  const colour = palette();
  const data = traces(colour);
  const axis = { gridcolor: colour.line, tickfont: { color: colour.quiet } };
  await put(Plotly, place, data, {
    margin: { l: 44, r: 12, t: 26, b: 34 },
    paper_bgcolor: colour.paper,
    plot_bgcolor: colour.paper,
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour.ink },
    showlegend: false,
    hovermode: "x unified",
    hoverlabel: { bgcolor: colour.paper, bordercolor: colour.line, font: { color: colour.ink } },
    dragmode: false,
    xaxis: {
      ...axis,
      type: "date",
      linecolor: colour.quiet,
      hoverformat: "Week to %-d %b %Y",
      nticks: place.clientWidth < 500 ? 3 : 8,
      tickangle: 0,
      fixedrange: true,
    },
    yaxis: {
      ...axis,
      rangemode: isFactor ? "normal" : "tozero",
      zerolinecolor: colour.quiet,
      tickformat: isFactor ? "~r" : ",~r",
      fixedrange: true,
    },
    annotations: [
      {
        ...{ xref: "paper", x: 0, xanchor: "left", xshift: -40 },
        ...{ yref: "paper", y: 1, yanchor: "bottom", text: title, showarrow: false },
        font: { size: 12, color: colour.quiet },
      },
    ],
    shapes: isFactor
      ? [
          {
            ...{ type: "line", xref: "paper", x0: 0, x1: 1, y0: 1, y1: 1 },
            line: { color: colour.quiet, width: 1 },
          },
        ]
      : [],
  });
  return true;
}

// What a picture shows, for those who hear the page.
export const described = (text, weeks) =>
  `${text}, from the week to ${date(weeks[0])} to that to ${date(weeks.at(-1))}.`;
