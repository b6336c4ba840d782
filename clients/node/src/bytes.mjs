/** Encodings: base64, hex, UUIDs, numbers. */

export const utf8 = (text) => Buffer.from(text, 'utf8');
export const hex = (bytes) => Buffer.from(bytes).toString('hex');
export const fromHex = (text) => Buffer.from(text, 'hex');
export const base64 = (bytes) => Buffer.from(bytes).toString('base64');

/**
 * Base64 of RFC 4648 section 4, in its one canonical spelling.
 * @param {string} text
 * @returns {Buffer}
 */
export function fromBase64(text) {
  const bytes = Buffer.from(String(text), 'base64');
  if (bytes.toString('base64') !== text) throw new Error('not canonical base64');
  return bytes;
}

/** @param {string} id @returns {Buffer} the 16 bytes of a UUID */
export function uuidBytes(id) {
  const bytes = fromHex(id.replaceAll('-', ''));
  if (bytes.length !== 16) throw new Error(`not a UUID: ${id}`);
  return bytes;
}

/** @param {...Uint8Array} parts */
export const concat = (...parts) => Buffer.concat(parts);

/** A number in `length` bytes, big-endian. */
export function bigEndian(number, length) {
  return fromHex(
    BigInt(number)
      .toString(16)
      .padStart(length * 2, '0'),
  );
}

/** @param {Uint8Array} bytes little-endian */
export const littleEndianNumber = (bytes) => BigInt(`0x${hex(Buffer.from(bytes).reverse())}`);

/** @param {bigint} number @param {number} length */
export const littleEndian = (number, length) =>
  fromHex(number.toString(16).padStart(length * 2, '0')).reverse();

/** Whether two byte strings that are no secret are the same. */
export const equalText = (one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)) === 0;
