// Strokes of a pen, and the image that the model gets of them. Points are [x, y] in pixels of the model's images.

// As in MNIST (http://yann.lecun.com/exdb/mnist/): the digit fits into a box of 20 by 20 pixels with its aspect ratio kept, and its
// centre of mass is in the middle of 28 by 28.
const BOX = 20 / 28;
// Half of MNIST's strokes are between 2 and 3.5 pixels wide; the mean of its centres of mass is 14.5, not 14.
const PEN = 2.6 / 28;
const CENTER_OFFSET = 0.5;
// A dot stays a dot.
const LARGEST_SCALE = 4;
// Sub-pixels along each side of a pixel.
const FINENESS = 8;

/** The width of the pen in pixels, for images of a shape. */
export function penWidth([height, width]) {
  return PEN * Math.min(height, width);
}

/** Draws strokes with round ends, smoothly: curves through the middles between points. */
export function draw(context, strokes, width) {
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = width;
  for (const points of strokes) {
    const [[startX, startY]] = points;
    context.beginPath();
    context.moveTo(startX, startY);
    for (let next = 1; next < points.length; next++) {
      const [[x, y], [nextX, nextY]] = [points[next - 1], points[next]];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    context.lineTo(...points[points.length - 1]);
    context.stroke();
  }
}

/**
 * Strokes as the model gets them: with the size and position of MNIST's digits, white on black, the same in all channels.
 * @returns {Uint8Array} height * width * channels
 */
export function normalize(strokes, shape) {
  const [height, width, channels] = shape;
  const [xs, ys] = [0, 1].map((axis) => strokes.flat().map((point) => point[axis]));
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const pen = penWidth(shape);
  const scale = Math.min((BOX * width - pen) / (right - left), (BOX * height - pen) / (bottom - top), LARGEST_SCALE);
  const place = ([x, y]) => (points) => points.map((point) => [x + scale * (point[0] - left), y + scale * (point[1] - top)]);

  const corner = [(width - scale * (right - left)) / 2, (height - scale * (bottom - top)) / 2];
  const [massX, massY] = centerOfMass(rasterize(strokes.map(place(corner)), shape), width);
  const shifted = [corner[0] + width / 2 + CENTER_OFFSET - massX, corner[1] + height / 2 + CENTER_OFFSET - massY];
  const grey = rasterize(strokes.map(place(shifted)), shape);
  return Uint8Array.from({ length: grey.length * channels }, (_value, number) => Math.round(grey[Math.floor(number / channels)]));
}

/** Grey values in [0, 255]. Each pixel is the mean of its sub-pixels, so browsers differ only at the edges of strokes. */
function rasterize(strokes, shape) {
  const [height, width] = shape;
  const canvas = document.createElement("canvas");
  canvas.width = width * FINENESS;
  canvas.height = height * FINENESS;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.scale(FINENESS, FINENESS);
  draw(context, strokes, penWidth(shape));
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const grey = new Float64Array(height * width);
  for (let place = 3; place < data.length; place += 4) {
    const [x, y] = [((place - 3) / 4) % canvas.width, Math.floor((place - 3) / 4 / canvas.width)];
    grey[Math.floor(y / FINENESS) * width + Math.floor(x / FINENESS)] += data[place] / FINENESS ** 2;
  }
  return grey;
}

function centerOfMass(grey, width) {
  let [mass, massX, massY] = [0, 0, 0];
  grey.forEach((value, place) => {
    mass += value;
    massX += value * ((place % width) + 0.5);
    massY += value * (Math.floor(place / width) + 0.5);
  });
  return [massX / mass, massY / mass];
}
