// Images from files, from the clipboard and from other windows, as the model gets them; and images of the page as files.

/**
 * Takes images that are chosen, dropped on an element or pasted.
 * @param {{input: HTMLInputElement, area: HTMLElement}} elements
 * @param {(file: Blob) => void} onFile
 */
export function takeFiles({ input, area }, onFile) {
  const take = (files) => files?.length && onFile(files[0]);
  input.addEventListener("change", () => {
    take(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  area.addEventListener("dragover", (event) => event.preventDefault());
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => take(event.clipboardData.files));
}

/**
 * An image file as the model gets it: upright, of its size, in front of its background.
 * @param {{image_shape: number[], fit: string, background: number[]}} model
 * @returns {Promise<Uint8Array>} height * width * channels
 * @throws if the browser cannot decode it
 */
export async function readImage(file, { image_shape: [height, width, channels], fit, background }) {
  let image = await createImageBitmap(file);
  const [scaleX, scaleY] = [width / image.width, height / image.height];
  const scale = (fit === "crop" ? Math.max : Math.min)(scaleX, scaleY);
  const [wide, high] = fit === "stretch" ? [width, height] : [Math.round(scale * image.width), Math.round(scale * image.height)];
  // In halves: a browser looks at few of the pixels if it scales by more.
  while (image.width >= 2 * wide && image.height >= 2 * high) {
    image = scaled(image, Math.ceil(image.width / 2), Math.ceil(image.height / 2));
  }
  const context = canvasOf(width, height).getContext("2d");
  context.fillStyle = `rgb(${background.join(" ")})`;
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, Math.round((width - wide) / 2), Math.round((height - high) / 2), wide, high);
  const { data } = context.getImageData(0, 0, width, height);
  const pixel = (place) => data.subarray(4 * place, 4 * place + 3);
  return Uint8Array.from({ length: height * width * channels }, (_value, number) => {
    const colour = pixel(Math.floor(number / channels));
    return channels === 1 ? luma(colour) : colour[number % channels];
  });
}

/** Saves canvases as one PNG file, row by row. */
export function save(canvases, name) {
  const [{ width, height }] = canvases;
  const columns = Math.ceil(Math.sqrt(canvases.length));
  const gap = canvases.length > 1 ? 2 : 0;
  const sheet = canvasOf(columns * (width + gap) - gap, Math.ceil(canvases.length / columns) * (height + gap) - gap);
  const context = sheet.getContext("2d");
  canvases.forEach((canvas, number) => {
    context.drawImage(canvas, (number % columns) * (width + gap), Math.floor(number / columns) * (height + gap));
  });
  sheet.toBlob((file) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: `${name}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href));
  });
}

function scaled(image, width, height) {
  const canvas = canvasOf(width, height);
  canvas.getContext("2d").drawImage(image, 0, 0, width, height);
  return canvas;
}

function canvasOf(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

/** As in Pillow. */
function luma([red, green, blue]) {
  return Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
}
