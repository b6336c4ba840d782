/**
 * The Double Ratchet. A session is a plain object of base64 strings and numbers, so that it goes
 * to disk as it is; each function takes one and answers a new one, and leaves the old as it was.
 */
import { base64, bigEndian, concat, fromBase64, utf8 } from './bytes.mjs';
import {
  agree,
  decryptCbc,
  encryptCbc,
  equal,
  hkdf,
  hmac,
  makeKeyPair,
  publicOf,
} from './primitives.mjs';
import { acceptable } from './public-keys.mjs';

const HEADER_LENGTH = 41;
const TAG_LENGTH = 32;
const SKIP_AT_ONCE = 1000;
const SKIPPED_MAX = 2000;

/** The message's key was used before: nothing is wrong. */
export class Duplicate extends Error {}

/** The message doesn't open in this session. */
export class NotOpened extends Error {}

/**
 * @typedef {object} Session
 * @property {string} ad @property {string} root
 * @property {string} own private ratchet key @property {?string} theirs
 * @property {?string} sending chain key @property {?string} receiving chain key
 * @property {number} ns @property {number} nr @property {number} pn
 * @property {[string, number, string][]} skipped ratchet key, number, message key; oldest first
 */

function rootStep(session, ownPrivate, theirPublic) {
  const made = hkdf(
    fromBase64(session.root),
    agree(ownPrivate, theirPublic),
    utf8('semafore/ratchet/root/v1'),
    64,
  );
  session.root = base64(made.subarray(0, 32));
  return base64(made.subarray(32));
}

function chainStep(chainKey) {
  const key = fromBase64(chainKey);
  return { next: base64(hmac(key, Buffer.from([1]))), messageKey: hmac(key, Buffer.from([2])) };
}

export function messageKeys(messageKey) {
  const made = hkdf(Buffer.alloc(32), messageKey, utf8('semafore/ratchet/message/v1'), 80);
  return {
    encryption: made.subarray(0, 32),
    authentication: made.subarray(32, 64),
    iv: made.subarray(64),
  };
}

/** A session in which nothing was said. @returns {Session} */
const begun = (secret, ad, own, theirs) => ({
  ad: base64(ad),
  root: base64(secret),
  own: base64(own),
  theirs: theirs && base64(theirs),
  sending: null,
  receiving: null,
  ns: 0,
  nr: 0,
  pn: 0,
  skipped: [],
});

/** The beginner's session. @returns {Session} */
export function initiate(secret, ad, theirSignedPreKey, ratchet = makeKeyPair()) {
  const session = begun(secret, ad, ratchet.private, theirSignedPreKey);
  session.sending = rootStep(session, ratchet.private, theirSignedPreKey);
  return session;
}

/** The other side's, before the first message. @returns {Session} */
export const respond = (secret, ad, signedPreKeyPrivate) =>
  begun(secret, ad, signedPreKeyPrivate, null);

/**
 * @param {Session} before @param {Buffer} text
 * @returns {{session: Session, message: Buffer, keys: object}}
 */
export function encrypt(before, text) {
  const session = structuredClone(before);
  const { next, messageKey } = chainStep(session.sending);
  const header = concat(
    Buffer.from([1]),
    publicOf(fromBase64(session.own)),
    bigEndian(session.pn, 4),
    bigEndian(session.ns, 4),
  );
  session.sending = next;
  session.ns += 1;
  const { encryption, authentication, iv } = messageKeys(messageKey);
  const sealed = encryptCbc(encryption, iv, text);
  const authenticated = concat(fromBase64(session.ad), header);
  const message = concat(header, sealed, hmac(authentication, authenticated, sealed));
  return {
    session,
    message,
    keys: { messageKey, encryption, authentication, iv, header, authenticated },
  };
}

function keepSkipped(session, upTo) {
  while (session.nr < upTo) {
    const { next, messageKey } = chainStep(session.receiving);
    session.skipped.push([session.theirs, session.nr, base64(messageKey)]);
    session.receiving = next;
    session.nr += 1;
  }
  session.skipped.splice(0, Math.max(0, session.skipped.length - SKIPPED_MAX));
}

function turn(session, theirs, pn, makeRatchet) {
  if (session.receiving !== null && pn - session.nr <= SKIP_AT_ONCE) keepSkipped(session, pn);
  session.theirs = base64(theirs);
  session.receiving = rootStep(session, fromBase64(session.own), theirs);
  session.nr = 0;
  const ratchet = makeRatchet();
  session.own = base64(ratchet.private);
  session.sending = rootStep(session, ratchet.private, theirs);
  session.pn = session.ns;
  session.ns = 0;
}

/**
 * @param {Session} before @param {Buffer} message
 * @returns {{session: Session, text: Buffer}}
 */
export function decrypt(before, message, makeRatchet = makeKeyPair) {
  if (message.length < HEADER_LENGTH + 16 + TAG_LENGTH) throw new NotOpened('too short');
  if (message[0] !== 1) throw new NotOpened(`version ${message[0]}`);
  const header = message.subarray(0, HEADER_LENGTH);
  const theirs = header.subarray(1, 33);
  if (!acceptable(theirs)) throw new NotOpened('the ratchet key is not acceptable');
  const pn = header.readUInt32BE(33);
  const n = header.readUInt32BE(37);
  const sealed = message.subarray(HEADER_LENGTH, message.length - TAG_LENGTH);
  const tag = message.subarray(message.length - TAG_LENGTH);

  const session = structuredClone(before);
  const name = base64(theirs);
  const kept = session.skipped.findIndex(([key, number]) => key === name && number === n);
  let messageKey;
  if (kept >= 0) {
    messageKey = fromBase64(session.skipped.splice(kept, 1)[0][2]);
  } else {
    if (session.receiving === null || session.theirs !== name)
      turn(session, theirs, pn, makeRatchet);
    if (n < session.nr) throw new Duplicate('this key was used before, or given up');
    if (n - session.nr > SKIP_AT_ONCE) throw new NotOpened('too many messages skipped');
    keepSkipped(session, n);
    const step = chainStep(session.receiving);
    session.receiving = step.next;
    session.nr += 1;
    messageKey = step.messageKey;
  }
  const { encryption, authentication, iv } = messageKeys(messageKey);
  if (!equal(hmac(authentication, concat(fromBase64(session.ad), header, sealed)), tag)) {
    throw new NotOpened('the tag is not right');
  }
  try {
    return { session, text: decryptCbc(encryption, iv, sealed) };
  } catch {
    throw new NotOpened('the padding is not right');
  }
}
