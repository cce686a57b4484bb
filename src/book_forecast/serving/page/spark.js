// A small picture of a title's last weeks and those ahead.

import { copies } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, EDGE] = [120, 28, 2];

export function sparkline({ sold, expected }) {
  const all = [...sold, ...expected];
  const highest = Math.max(1, ...all.filter((value) => value !== null));
  const x = (index) => EDGE + ((WIDTH - 2 * EDGE) * index) / Math.max(1, all.length - 1);
  const y = (value) => HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * value) / highest;
  const point = (value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`;
  const picture = made("svg", {
    class: "spark",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    width: WIDTH,
    height: HEIGHT,
    role: "img",
    "aria-label": described(sold, expected),
  });
  picture.append(made("path", { class: "spark-sold", d: lines(sold, point) }));
  // The forecast begins where sales end, so that there is no gap.
  const start = sold.length - 1;
  const joined = sold[start] === null || start < 0 ? expected : [sold[start], ...expected];
  const shift = all.length - joined.length;
  const ahead = lines(joined, (value, index) => point(value, index + shift));
  picture.append(made("path", { class: "spark-expected", d: ahead }));
  return picture;
}

// Weeks that are not known break the line.
function lines(values, point) {
  let pen = "M";
  let path = "";
  values.forEach((value, index) => {
    if (value === null) {
      pen = "M";
      return;
    }
    path += pen + point(value, index);
    pen = "L";
  });
  return path;
}

function described(sold, expected) {
  const known = sold.filter((value) => value !== null);
  const past = known.length ? `${range(known)} sold a week in ${sold.length} weeks, ` : "";
  return `${past}${range(expected)} expected`;
}

function range(values) {
  const [low, high] = [copies(Math.min(...values)), copies(Math.max(...values))];
  return low === high ? low : `${low} to ${high}`;
}

function made(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
