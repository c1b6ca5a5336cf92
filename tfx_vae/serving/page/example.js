// Serialized tf.Examples (https://www.tensorflow.org/tutorials/load_data/tfrecord) with a single feature.

const LENGTH_DELIMITED = 2;

/** A serialized tf.Example with one feature, `image`, of encoded bytes. */
export function imageExample(encodedImage) {
  const feature = field(1, field(1, encodedImage)); // Feature { bytes_list: BytesList { value } }
  const entry = [...field(1, new TextEncoder().encode("image")), ...field(2, feature)];
  return Uint8Array.from(field(1, field(1, entry))); // Example { features: Features { feature: map entry } }
}

/** Bytes as TensorFlow Serving's REST API takes them. */
export function base64(bytes) {
  return { b64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
}

function field(number, content) {
  return [(number << 3) | LENGTH_DELIMITED, ...varint(content.length), ...content];
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}
