/** Which Curve25519 public keys are taken, from whomever they come. */
import { concat, fromHex, hex, littleEndian, littleEndianNumber } from './bytes.mjs';

export const P = 2n ** 255n - 19n;

const LOW_ORDER = new Set([
  hex(littleEndian(0n, 32)),
  hex(littleEndian(1n, 32)),
  hex(littleEndian(P - 1n, 32)),
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
]);

/** @param {Uint8Array} key @returns {string} '' or the code of the refusal */
export function refusal(key) {
  if (key.length !== 32) return 'wrong_length';
  if (littleEndianNumber(key) >= P) return 'non_canonical';
  return LOW_ORDER.has(hex(key)) ? 'low_order' : '';
}

export const acceptable = (key) => refusal(key) === '';

/** Signal's encoding: 05 and the key. */
export const encoded = (key) => concat(fromHex('05'), key);
