/** Sessions with other devices: begun by a bundle or by a first message; the front one is used. */
import { base64, concat, fromBase64 } from './bytes.mjs';
import { asBytes, forgetOneTimePreKey, namedKeys } from './keyring.mjs';
import * as ratchet from './ratchet.mjs';
import * as x3dh from './x3dh.mjs';

const SESSIONS_MAX = 8;

/**
 * @typedef {object} Kept
 * @property {string} ephemeral EK_A @property {?string} header the initial header, while it is sent
 * @property {boolean} begun by this device @property {ratchet.Session} ratchet
 */

function keepInFront(state, deviceId, session) {
  const others = (state.sessions[deviceId] ?? []).filter(
    (one) => one.ephemeral !== session.ephemeral,
  );
  state.sessions[deviceId] = [session, ...others].slice(0, SESSIONS_MAX);
}

export const hasSession = (state, deviceId) => (state.sessions[deviceId] ?? []).length > 0;

/** @param {ReturnType<typeof x3dh.checkBundle>} bundle */
export function beginSession(state, bundle) {
  const begun = x3dh.begin(asBytes(state.identity), state.registration_id, bundle);
  keepInFront(state, bundle.device_id, {
    ephemeral: base64(begun.ephemeral),
    header: base64(begun.header),
    begun: true,
    ratchet: ratchet.initiate(begun.secret, begun.ad, bundle.spk.public),
  });
}

/** Advances the front session; the caller writes it before anything is sent. */
export function seal(state, deviceId, padded) {
  const [session] = state.sessions[deviceId];
  const { session: next, message } = ratchet.encrypt(session.ratchet, padded);
  session.ratchet = next;
  return session.header
    ? { type: 'pre_key', ciphertext: base64(concat(fromBase64(session.header), message)) }
    : { type: 'message', ciphertext: base64(message) };
}

/**
 * Opens an envelope. Nothing of the state changes before `keep` is called.
 * @param {?string} knownIdentity base64; null where the sender isn't known
 * @returns {{text: Buffer, identity: ?Buffer, keep: () => void}}
 */
export function open(state, envelope, knownIdentity) {
  const deviceId = envelope.sender_device_id;
  const bytes = fromBase64(envelope.ciphertext);
  return envelope.envelope_type === 'pre_key'
    ? openFirst(state, deviceId, bytes, knownIdentity)
    : openLater(state, deviceId, bytes);
}

function opened(state, deviceId, session, bytes) {
  const { session: next, text } = ratchet.decrypt(session.ratchet, bytes);
  return {
    text,
    identity: null,
    keep: () => keepInFront(state, deviceId, { ...session, header: null, ratchet: next }),
  };
}

function openFirst(state, deviceId, bytes, knownIdentity) {
  const header = x3dh.readInitialHeader(bytes);
  if (knownIdentity !== null && knownIdentity !== base64(header.identity)) {
    throw new ratchet.NotOpened("the identity key isn't the one known for this device");
  }
  const message = bytes.subarray(x3dh.INITIAL_HEADER_LENGTH);
  const ephemeral = base64(header.ephemeral);
  const known = (state.sessions[deviceId] ?? []).find(
    (one) => !one.begun && one.ephemeral === ephemeral,
  );
  if (known) return { ...opened(state, deviceId, known, message), identity: header.identity };
  const keys = namedKeys(state, header.spkId, header.opkId);
  if (!keys) throw new ratchet.NotOpened('a pre-key that it names is no longer here');
  const { secret, ad } = x3dh.answer(asBytes(state.identity), keys.spk, keys.opk, header);
  const session = {
    ephemeral,
    header: null,
    begun: false,
    ratchet: ratchet.respond(secret, ad, keys.spk.private),
  };
  const first = opened(state, deviceId, session, message);
  return {
    text: first.text,
    identity: header.identity,
    keep: () => {
      first.keep();
      if (header.opkId) forgetOneTimePreKey(state, header.opkId);
      if (state.peers[deviceId]) state.peers[deviceId].registration_id = header.registrationId;
    },
  };
}

function openLater(state, deviceId, bytes) {
  let repeated = null;
  for (const session of state.sessions[deviceId] ?? []) {
    try {
      return opened(state, deviceId, session, bytes);
    } catch (error) {
      if (error instanceof ratchet.Duplicate) repeated = error;
      else if (!(error instanceof ratchet.NotOpened)) throw error;
    }
  }
  throw repeated ?? new ratchet.NotOpened('no session opens it');
}
