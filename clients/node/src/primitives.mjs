/** The primitives, under the names that the documents use. */
import crypto from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';

import { concat, fromHex } from './bytes.mjs';

export const sha256 = (...parts) =>
  crypto
    .createHash('sha256')
    .update(concat(...parts))
    .digest();
export const sha512 = (...parts) =>
  crypto
    .createHash('sha512')
    .update(concat(...parts))
    .digest();
export const hmac = (key, ...parts) =>
  crypto
    .createHmac('sha256', key)
    .update(concat(...parts))
    .digest();
export const random = (length) => crypto.randomBytes(length);
export const equal = (one, other) =>
  one.length === other.length && crypto.timingSafeEqual(one, other);

/** HKDF with SHA-256. */
export const hkdf = (salt, keyMaterial, info, length) =>
  Buffer.from(crypto.hkdfSync('sha256', keyMaterial, salt, info, length));

export function encryptCbc(key, iv, text) {
  const cipher = crypto.createCipheriv('aes-256-cbc', key, iv);
  return concat(cipher.update(text), cipher.final());
}

export function decryptCbc(key, iv, sealed) {
  const decipher = crypto.createDecipheriv('aes-256-cbc', key, iv);
  return concat(decipher.update(sealed), decipher.final());
}

export const publicOf = (privateKey) => Buffer.from(x25519.getPublicKey(privateKey));

/** X25519; throws where the result is all zero. */
export const agree = (privateKey, publicKey) =>
  Buffer.from(x25519.getSharedSecret(privateKey, publicKey));

/** @returns {{private: Buffer, public: Buffer}} */
export function makeKeyPair() {
  const privateKey = random(32);
  privateKey[0] &= 248;
  privateKey[31] = (privateKey[31] & 127) | 64;
  return { private: privateKey, public: publicOf(privateKey) };
}

const ED25519_SPKI = fromHex('302a300506032b6570032100');

/**
 * Ed25519 as in RFC 8032, without cofactor, refusing s >= L. OpenSSL's and not that of
 * `@noble/curves`, which multiplies by the cofactor.
 */
export function verifyEd25519(publicKey, message, signature) {
  try {
    const key = crypto.createPublicKey({
      key: concat(ED25519_SPKI, publicKey),
      format: 'der',
      type: 'spki',
    });
    return crypto.verify(null, message, key, signature);
  } catch {
    return false;
  }
}
