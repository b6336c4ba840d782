/** XEdDSA over Curve25519: signs the paper's way, verifies both conventions of the sign. */
import { ed25519 } from '@noble/curves/ed25519.js';

import { concat, littleEndian, littleEndianNumber } from './bytes.mjs';
import { acceptable, P } from './public-keys.mjs';
import { random, sha512, verifyEd25519 } from './primitives.mjs';

const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const HASH_1 = concat(Buffer.from([0xfe]), Buffer.alloc(31, 0xff));

const modulo = (number, by) => ((number % by) + by) % by;
const scalar = (bytes) => modulo(littleEndianNumber(bytes), L);
const timesBase = (number) =>
  Buffer.from((number === 0n ? ed25519.Point.ZERO : ed25519.Point.BASE.multiply(number)).toBytes());

/** @param {bigint} base @param {bigint} exponent */
function power(base, exponent) {
  let result = 1n;
  for (let factor = modulo(base, P); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * factor) % P;
    factor = (factor * factor) % P;
  }
  return result;
}

/**
 * Every value on the way, for the vectors.
 * @param {Uint8Array} privateKey 32 bytes, clamped
 * @param {Uint8Array} message
 * @param {Uint8Array} z 64 random bytes
 * @param {boolean} negate the paper's way; false: libsignal's
 */
export function signWith(privateKey, message, z, negate = true) {
  const clamped = Buffer.from(privateKey);
  clamped[0] &= 248;
  clamped[31] = (clamped[31] & 127) | 64;
  let a = scalar(clamped);
  let p = clamped;
  const edwards = timesBase(a);
  const sign = edwards[31] & 0x80;
  if (negate && sign) {
    a = modulo(-a, L);
    p = littleEndian(a, 32);
    edwards[31] &= 0x7f;
  }
  const r = scalar(sha512(HASH_1, p, message, z));
  const R = timesBase(r);
  const h = scalar(sha512(R, edwards, message));
  const s = littleEndian(modulo(r + h * a, L), 32);
  const signature = concat(R, s);
  if (!negate) signature[63] |= sign;
  return {
    scalar: littleEndian(a, 32),
    edwards,
    r: littleEndian(r, 32),
    R,
    h: littleEndian(h, 32),
    s,
    signature,
  };
}

/** @returns {Buffer} a signature of 64 bytes */
export const sign = (privateKey, message) => signWith(privateKey, message, random(64)).signature;

/** @returns {boolean} */
export function verify(publicKey, message, signature) {
  if (signature.length !== 64 || !acceptable(publicKey)) return false;
  const u = littleEndianNumber(publicKey);
  const y = modulo((u - 1n) * power(u + 1n, P - 2n), P);
  const edwards = littleEndian(y, 32);
  edwards[31] |= signature[63] & 0x80;
  const plain = Buffer.from(signature);
  plain[63] &= 0x7f;
  if (littleEndianNumber(plain.subarray(32)) >= L) return false;
  return verifyEd25519(edwards, message, plain);
}
