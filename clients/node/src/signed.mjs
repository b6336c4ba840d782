/** What the identity key signs, the fingerprint, the digest. */
import { bigEndian, concat, utf8, uuidBytes } from './bytes.mjs';
import { sha256, sha512 } from './primitives.mjs';
import { encoded } from './public-keys.mjs';

export const signedPreKeyMessage = (publicKey) => encoded(publicKey);

export const enrolmentMessage = (onboardingId, identityKey) =>
  concat(utf8('semafore/enrol/v1\0'), uuidBytes(onboardingId), identityKey);

export const challengeMessage = (baseUrl, challenge, deviceId, organisationId) =>
  concat(
    utf8('semafore/device-auth/v1\0'),
    sha256(utf8(baseUrl)),
    challenge,
    uuidBytes(deviceId),
    uuidBytes(organisationId),
  );

export const endorsementMessage = (organisationId, endorserId, newIdentityKey) =>
  concat(
    utf8('semafore/endorse/v1\0'),
    uuidBytes(organisationId),
    uuidBytes(endorserId),
    newIdentityKey,
  );

/** Twelve groups of five digits, to be compared by people. */
export function fingerprint(identityKey, deviceId) {
  const key = encoded(identityKey);
  let h = concat(Buffer.alloc(2), key, uuidBytes(deviceId));
  for (let round = 0; round < 5200; round += 1) h = sha512(h, key);
  const groups = [];
  for (let at = 0; at < 60; at += 5) {
    groups.push(String(h.readUIntBE(at, 5) % 100000).padStart(5, '0'));
  }
  return groups.join(' ');
}

/**
 * The digest of a key bundle.
 * @param {Uint8Array} identityKey
 * @param {{key_id: number, public: Uint8Array}} signedPreKey the current one
 * @param {{key_id: number, public: Uint8Array}[]} available in the order of ids
 */
export const digest = (identityKey, signedPreKey, available) =>
  sha256(
    identityKey,
    ...[signedPreKey, ...available].flatMap((one) => [bigEndian(one.key_id, 8), one.public]),
  );
