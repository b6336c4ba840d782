/** X3DH: bundles, the initial header, the secret of a session. */
import { bigEndian, concat, fromBase64, utf8 } from './bytes.mjs';
import { agree, hkdf, makeKeyPair } from './primitives.mjs';
import { acceptable, encoded } from './public-keys.mjs';
import { signedPreKeyMessage } from './signed.mjs';
import { verify } from './xeddsa.mjs';

export const SUITE = 'x3dh-25519';
export const INITIAL_HEADER_LENGTH = 75;

const secretOf = (dhs) =>
  hkdf(
    Buffer.alloc(32),
    concat(Buffer.alloc(32, 0xff), ...dhs),
    utf8('semafore/x3dh-25519/v1'),
    32,
  );

const associatedData = (identityA, identityB, header) =>
  concat(encoded(identityA), encoded(identityB), header);

/**
 * Checks a claimed bundle; throws where it must not be used.
 * @param {object} bundle as the API answers it
 * @returns {{device_id: string, registration_id: number, identity: Buffer,
 *   spk: {key_id: number, public: Buffer}, opk: ?{key_id: number, public: Buffer}, log: object}}
 */
export function checkBundle(bundle) {
  if (bundle.suite !== SUITE) throw new Error(`another suite: ${bundle.suite}`);
  const identity = fromBase64(bundle.identity_key);
  const spk = {
    key_id: bundle.signed_pre_key.key_id,
    public: fromBase64(bundle.signed_pre_key.public_key),
  };
  const opk = bundle.one_time_pre_key && {
    key_id: bundle.one_time_pre_key.key_id,
    public: fromBase64(bundle.one_time_pre_key.public_key),
  };
  for (const key of [identity, spk.public, ...(opk ? [opk.public] : [])]) {
    if (!acceptable(key)) throw new Error('a public key of the bundle is not acceptable');
  }
  if (
    !verify(identity, signedPreKeyMessage(spk.public), fromBase64(bundle.signed_pre_key.signature))
  ) {
    throw new Error("the signed pre-key's signature doesn't verify");
  }
  return {
    device_id: bundle.device_id,
    registration_id: bundle.registration_id,
    identity,
    spk,
    opk,
    log: bundle.log,
  };
}

/**
 * Alice's side.
 * @param {{private: Buffer, public: Buffer}} identity
 * @param {number} registrationId
 * @param {ReturnType<typeof checkBundle>} bundle
 */
export function begin(identity, registrationId, bundle, ephemeral = makeKeyPair()) {
  const dhs = [
    agree(identity.private, bundle.spk.public),
    agree(ephemeral.private, bundle.identity),
    agree(ephemeral.private, bundle.spk.public),
    ...(bundle.opk ? [agree(ephemeral.private, bundle.opk.public)] : []),
  ];
  const header = concat(
    Buffer.from([1]),
    bigEndian(registrationId, 2),
    identity.public,
    ephemeral.public,
    bigEndian(bundle.spk.key_id, 4),
    bigEndian(bundle.opk ? bundle.opk.key_id : 0, 4),
  );
  return {
    dhs,
    header,
    secret: secretOf(dhs),
    ad: associatedData(identity.public, bundle.identity, header),
    ephemeral: ephemeral.public,
  };
}

/** @param {Buffer} bytes the first 75 of a pre_key ciphertext */
export function readInitialHeader(bytes) {
  if (bytes.length < INITIAL_HEADER_LENGTH) throw new Error('the initial header is too short');
  if (bytes[0] !== 1) throw new Error(`initial header of version ${bytes[0]}`);
  const header = {
    bytes: bytes.subarray(0, INITIAL_HEADER_LENGTH),
    registrationId: bytes.readUInt16BE(1),
    identity: bytes.subarray(3, 35),
    ephemeral: bytes.subarray(35, 67),
    spkId: bytes.readUInt32BE(67),
    opkId: bytes.readUInt32BE(71),
  };
  if (!acceptable(header.identity) || !acceptable(header.ephemeral)) {
    throw new Error('a public key of the initial header is not acceptable');
  }
  return header;
}

/**
 * Bob's side, with the private halves that the header names.
 * @param {{private: Buffer, public: Buffer}} identity
 * @param {{private: Buffer}} spk
 * @param {?{private: Buffer}} opk
 * @param {ReturnType<typeof readInitialHeader>} header
 */
export function answer(identity, spk, opk, header) {
  const dhs = [
    agree(spk.private, header.identity),
    agree(identity.private, header.ephemeral),
    agree(spk.private, header.ephemeral),
    ...(opk ? [agree(opk.private, header.ephemeral)] : []),
  ];
  return {
    dhs,
    secret: secretOf(dhs),
    ad: associatedData(header.identity, identity.public, header.bytes),
  };
}
