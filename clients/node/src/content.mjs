/** What is inside a message, padded; the commitment beside it. */
import { base64, concat, fromBase64, utf8 } from './bytes.mjs';
import { hmac } from './primitives.mjs';

const BLOCK = 160;

/** @param {object} content */
export function pad(content) {
  const marked = concat(utf8(JSON.stringify(content)), Buffer.from([0x80]));
  return concat(marked, Buffer.alloc((BLOCK - (marked.length % BLOCK)) % BLOCK));
}

/** @param {Buffer} padded @returns {object} */
export function unpad(padded) {
  const end = padded.lastIndexOf(0x80);
  if (end < 0) throw new Error('no byte 80');
  const content = JSON.parse(
    new TextDecoder('utf-8', { fatal: true }).decode(padded.subarray(0, end)),
  );
  if (content === null || typeof content !== 'object' || Array.isArray(content))
    throw new Error('not an object');
  return content;
}

/** @param {string} commitmentKey base64 @param {string} text @returns {string} base64 */
export const commitment = (commitmentKey, text) =>
  base64(hmac(fromBase64(commitmentKey), utf8(text)));
