// PNG files (https://www.w3.org/TR/png-3/) without compression.
// Not canvas.toBlob: its bytes differ from browser to browser, and the noise of a score is drawn from an image's bytes.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GREY = 0;
const RGB = 2;
const LARGEST_BLOCK = 65535;

/**
 * Encodes 8-bit pixels.
 * @param {Uint8Array} pixels height * width * channels, as they lie in [height, width, channels]
 * @param {number[]} shape height, width and channels: 1 (grey) or 3 (RGB)
 */
export function encodePng(pixels, [height, width, channels]) {
  const header = [...bigEndian(width), ...bigEndian(height), 8, channels === 1 ? GREY : RGB, 0, 0, 0];
  const row = width * channels;
  const rows = new Uint8Array(height * (row + 1)); // each row begins with its filter: 0, none
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  return Uint8Array.from([...SIGNATURE, ...chunk("IHDR", header), ...chunk("IDAT", stored(rows)), ...chunk("IEND", [])]);
}

function chunk(type, content) {
  const typed = [...new TextEncoder().encode(type), ...content];
  return [...bigEndian(content.length), ...typed, ...bigEndian(crc32(typed))];
}

/** A zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4). */
function stored(bytes) {
  const stream = [0x78, 0x01];
  for (let start = 0; start < bytes.length; start += LARGEST_BLOCK) {
    const block = bytes.subarray(start, start + LARGEST_BLOCK);
    const isLast = start + LARGEST_BLOCK >= bytes.length;
    stream.push(Number(isLast), ...littleEndian(block.length), ...littleEndian(~block.length & 0xffff));
    for (const byte of block) stream.push(byte);
  }
  return [...stream, ...bigEndian(adler32(bytes))];
}

function crc32(bytes) {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  }
  return ~remainder >>> 0;
}

function adler32(bytes) {
  let sum = 1;
  let sumOfSums = 0;
  for (const byte of bytes) {
    sum = (sum + byte) % 65521;
    sumOfSums = (sumOfSums + sum) % 65521;
  }
  return sumOfSums * 65536 + sum;
}

function bigEndian(value) {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
}

function littleEndian(value) {
  return [value & 255, value >>> 8];
}
