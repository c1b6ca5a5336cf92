// Images on the page: canvases with the pixels of the image, enlarged by the style sheet.

/**
 * Shows an image on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} pixels in [0, 255], in the order of [height, width, channels]; null for none
 * @param {number[]} shape height, width and channels
 */
export function show(canvas, pixels, [height, width, channels]) {
  canvas.width = width;
  canvas.height = height;
  canvas.classList.toggle("empty", pixels === null);
  if (pixels === null) return;
  const image = new ImageData(width, height);
  for (let place = 0; place < height * width; place++) {
    for (let color = 0; color < 3; color++) image.data[4 * place + color] = pixels[channels * place + (color % channels)];
    image.data[4 * place + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** From a tensor of one image in [0, 1], nested lists, to pixels in [0, 255]. */
export function fromTensor(image) {
  return Uint8Array.from(image.flat(2), (value) => Math.round(255 * value));
}

/** From pixels in [0, 255] to a tensor of one image in [0, 1], nested lists. */
export function toTensor(pixels, [height, width, channels]) {
  return Array.from({ length: height }, (_row, y) =>
    Array.from({ length: width }, (_column, x) =>
      Array.from({ length: channels }, (_value, channel) => pixels[(y * width + x) * channels + channel] / 255),
    ),
  );
}
