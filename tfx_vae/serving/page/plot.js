// The axes of a plot, as SVG.

const NAMESPACE = "http://www.w3.org/2000/svg";
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 10, 8, 42];
const PADDING = 0.04;
const TICKS = 6;
// Height divided by width.
const [LOWEST, HIGHEST] = [0.6, 1];

/** An SVG element with attributes and, if given, text. */
export function element(name, attributes, text) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The scales of a plot with a given width; a unit has the same length on both axes. */
export function scales(points, width) {
  const [x, y] = [0, 1].map((coordinate) => extent(points.map((point) => point[coordinate])));
  const inner = width - LEFT - RIGHT;
  const innerHeight = Math.min(HIGHEST, Math.max(LOWEST, y.length / x.length)) * inner;
  const unit = Math.min(inner / x.length, innerHeight / y.length);
  const left = x.middle - inner / unit / 2;
  const top = y.middle + innerHeight / unit / 2;
  return {
    x: { from: left, to: left + inner / unit },
    y: { from: top - innerHeight / unit, to: top },
    right: width - RIGHT,
    bottom: TOP + innerHeight,
    height: TOP + innerHeight + BOTTOM,
    /** The place of a point; a point outside is moved to the edge. */
    place: ([px, py]) => [
      LEFT + Math.min(inner, Math.max(0, (px - left) * unit)),
      TOP + Math.min(innerHeight, Math.max(0, (top - py) * unit)),
    ],
  };
}

/** The scales of a plot of a given size; each axis has a unit of its own. */
export function freeScales(points, width, height) {
  const [x, y] = [0, 1].map((coordinate) => range(points.map((point) => point[coordinate])));
  const [inner, innerHeight] = [width - LEFT - RIGHT, height - TOP - BOTTOM];
  return {
    x,
    y,
    right: LEFT + inner,
    bottom: TOP + innerHeight,
    height,
    place: ([px, py]) => [LEFT + ((px - x.from) / (x.to - x.from)) * inner, TOP + ((y.to - py) / (y.to - y.from)) * innerHeight],
  };
}

/** An axis with ticks and a name. */
export function axis(plot, which, name) {
  const isX = which === "x";
  const group = element("g", { class: "axis" });
  group.append(element("path", { d: isX ? `M${LEFT},${plot.bottom}H${plot.right}` : `M${LEFT},${TOP}V${plot.bottom}` }));
  for (const value of ticks(plot[which])) {
    const [x, y] = plot.place(isX ? [value, plot.y.from] : [plot.x.from, value]);
    group.append(element("path", { d: isX ? `M${x},${y}v5` : `M${x},${y}h-5` }));
    const at = isX ? { x, y: y + 18, class: "below" } : { x: x - 8, y: y + 4, class: "beside" };
    group.append(element("text", at, String(value).replace("-", "\u2212")));
  }
  const middle = isX ? (LEFT + plot.right) / 2 : (TOP + plot.bottom) / 2;
  const at = isX ? { x: middle, y: plot.bottom + 37 } : { transform: `translate(12 ${middle}) rotate(-90)` };
  group.append(element("text", { ...at, class: "name" }, name));
  return group;
}

function extent(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const length = (high - low) * (1 + 2 * PADDING) || 1;
  return { middle: (low + high) / 2, length };
}

function range(values) {
  const { middle, length } = extent(values);
  // Between two epochs there is none.
  return { from: middle - length / 2, to: middle + length / 2, least: values.every(Number.isInteger) ? 1 : 0 };
}

/** Round numbers within a range. */
function ticks({ from, to, least = 0 }) {
  const rough = (to - from) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(least, power * [1, 2, 5, 10].find((factor) => factor * power >= rough));
  const first = Math.ceil(from / step);
  const count = Math.floor(to / step) - first + 1;
  return Array.from({ length: count }, (_value, number) => Number(((first + number) * step).toPrecision(12)));
}
