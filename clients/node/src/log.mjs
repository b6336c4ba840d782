/** Signed notes, checkpoints, receipts and proofs of the organisation's log. */
import { base64, concat, equalText, fromBase64, hex, utf8 } from './bytes.mjs';
import { sha256, verifyEd25519 } from './primitives.mjs';

export class LogError extends Error {}

const insist = (fact, otherwise) => {
  if (!fact) throw new LogError(otherwise);
};

/** @typedef {{name: string, id: string, public: Buffer, vkey: string}} Vkey */

const keyIdOf = (name, blob) => hex(sha256(utf8(`${name}\n`), blob).subarray(0, 4));

/** @param {string} vkey @returns {Vkey} */
export function readVkey(vkey) {
  const [name, id, ...rest] = vkey.split('+');
  const blob = fromBase64(rest.join('+'));
  insist(blob.length === 33 && blob[0] === 1, 'not an Ed25519 key');
  insist(keyIdOf(name, blob) === id, 'the key id is not that of the key');
  return { name, id, public: blob.subarray(1), vkey };
}

/** The same public key under another name: what a restored log signs with. */
export function renamed(vkey, name) {
  const blob = concat(Buffer.from([1]), readVkey(vkey).public);
  return `${name}+${keyIdOf(name, blob)}+${base64(blob)}`;
}

/**
 * @param {string} note
 * @param {string[]} vkeys the keys that count
 * @returns {string[]} the lines of the text
 */
export function openNote(note, vkeys) {
  const cut = note.lastIndexOf('\n\n');
  insist(cut >= 0 && note.endsWith('\n'), 'not a signed note');
  const text = note.slice(0, cut + 1);
  const keys = vkeys.map(readVkey);
  let signed = false;
  const unknown = [];
  for (const line of note
    .slice(cut + 2)
    .split('\n')
    .filter((one) => one !== '')) {
    const parts = line.split(' ');
    insist(parts.length === 3 && parts[0] === '\u2014', 'not a line of a signature');
    const blob = fromBase64(parts[2]);
    const id = hex(blob.subarray(0, 4));
    const key = keys.find((one) => one.name === parts[1] && one.id === id);
    if (key) {
      insist(
        blob.length === 68 && verifyEd25519(key.public, utf8(text), blob.subarray(4)),
        'a signature is not right',
      );
      signed = true;
    } else {
      unknown.push({ name: parts[1], id });
    }
  }
  insist(signed, 'no key that counts has signed this');
  const strange = unknown.find((one) =>
    keys.some((key) => key.name === one.name || key.id === one.id),
  );
  insist(!strange, 'a line of a known name or key id that cannot be checked');
  return text.slice(0, -1).split('\n');
}

/**
 * @param {string} note @param {string[]} vkeys
 * @returns {{origin: string, size: number, root: Buffer, note: string}}
 */
export function openCheckpoint(note, vkeys) {
  const origin = note.slice(0, note.indexOf('\n'));
  const lines = openNote(
    note,
    vkeys.filter((vkey) => vkey.split('+', 1)[0] === origin),
  );
  insist(lines.length === 3 && /^(0|[1-9][0-9]*)$/.test(lines[1]), 'not a checkpoint');
  const root = fromBase64(lines[2]);
  insist(root.length === 32, 'the root has another length');
  return { origin, size: Number(lines[1]), root, note };
}

/** @param {string} origin @returns {string} the name of the keys that sign receipts */
export const receiptName = (origin) => `${origin.split('/', 1)[0]}/receipt`;

/**
 * @returns {{origin: string, leaf: Buffer, acceptedAt: string, includeBy: string}}
 */
export function openReceipt(note, vkeys, origin) {
  const name = receiptName(origin);
  const lines = openNote(
    note,
    vkeys.filter((vkey) => vkey.split('+', 1)[0] === name),
  );
  insist(lines.length === 5 && lines[0] === 'semafore/receipt/v1', 'not a receipt');
  insist(lines[1] === origin, 'a receipt of another log');
  return {
    origin: lines[1],
    leaf: fromBase64(lines[2]),
    acceptedAt: lines[3],
    includeBy: lines[4],
  };
}

/** Of a tree without entries. */
export const EMPTY_ROOT = sha256(Buffer.alloc(0));

export const leafHash = (entry) => sha256(Buffer.from([0]), entry);
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);
const half = (number) => Math.floor(number / 2);

/** RFC 9162, section 2.1.3.2. */
export function rootOf(leaf, index, size, path) {
  insist(Number.isSafeInteger(index) && index >= 0 && index < size, 'the index is not in the log');
  let hash = leaf;
  let place = index;
  let last = size - 1;
  for (const step of path) {
    insist(last > 0, 'the path is too long');
    if (place % 2 || place === last) {
      hash = nodeHash(step, hash);
      while (place % 2 === 0 && place) {
        place = half(place);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, step);
    }
    place = half(place);
    last = half(last);
  }
  insist(last === 0, 'the path is too short');
  return hash;
}

/** RFC 9162, section 2.1.4.2; 0 < from < to. */
export function consistent(from, to, hashes, oldRoot, newRoot) {
  insist(from > 0 && from < to, 'not two sizes in their order');
  let place = from - 1;
  let last = to - 1;
  while (place % 2) {
    place = half(place);
    last = half(last);
  }
  const steps = place ? hashes : [oldRoot, ...hashes];
  if (!steps.length) return false;
  let [first] = steps;
  let second = first;
  for (const step of steps.slice(1)) {
    if (last === 0) return false;
    if (place % 2 || place === last) {
      first = nodeHash(step, first);
      second = nodeHash(step, second);
      while (place % 2 === 0 && place) {
        place = half(place);
        last = half(last);
      }
    } else {
      second = nodeHash(second, step);
    }
    place = half(place);
    last = half(last);
  }
  return last === 0 && equalText(first, oldRoot) && equalText(second, newRoot);
}

const part = (name, opening, text) =>
  sha256(utf8(`semafore/part/v1\0${name}\0`), fromBase64(opening), utf8(text));

/**
 * Opens a tlog-proof: the path leads to the root of its checkpoint, which one of the keys signed.
 * Whether that checkpoint fits the one that is kept is for the caller to see.
 * @returns {{fields: object, what: ?object, entry: Buffer, leaf: Buffer, index: number,
 *   checkpoint: ReturnType<typeof openCheckpoint>}}
 */
export function openProof(proof, vkeys) {
  const cut = proof.indexOf('\n\n');
  insist(cut >= 0, 'not a proof');
  const [header, extra, place, ...path] = proof.slice(0, cut).split('\n');
  insist(header === 'c2sp.org/tlog-proof@v1', 'not a tlog-proof');
  insist(extra?.startsWith('extra ') && /^index (0|[1-9][0-9]*)$/.test(place ?? ''), 'not a proof');
  const fields = JSON.parse(fromBase64(extra.slice(6)).toString('utf8'));
  insist(fields.v === 1, `an entry of version ${fields.v}`);
  const kind = Buffer.from([fields.class]);
  const commitments = ['who', 'what'].map((name) =>
    name in fields
      ? part(name, fields[`${name}_opening`], fields[name])
      : fromBase64(fields[`c_${name}`]),
  );
  const entry = concat(
    Buffer.from([1]),
    kind,
    sha256(utf8('semafore/event/v1\0'), kind, ...commitments),
  );
  const leaf = leafHash(entry);
  const checkpoint = openCheckpoint(proof.slice(cut + 2), vkeys);
  const index = Number(place.slice(6));
  const root = rootOf(leaf, index, checkpoint.size, path.map(fromBase64));
  insist(equalText(root, checkpoint.root), "the path doesn't lead to the root");
  return {
    fields,
    what: 'what' in fields ? JSON.parse(fields.what) : null,
    entry,
    leaf,
    index,
    checkpoint,
  };
}

/** Step 3 of a proof about an identity key. */
export function checkApproval(opened, deviceId, identityKey) {
  insist(opened.what?.type === 'device.approved', 'the proof is of another event');
  insist(opened.what.data.device_id === deviceId, 'the proof is of another device');
  insist(
    opened.what.data.identity_key === base64(identityKey),
    'another identity key was approved',
  );
}

/** The same of a message: that it is the one that was sent, with its commitment. */
export function checkMessage(opened, messageId, commitment) {
  insist(opened.what?.type === 'message.accepted', 'the proof is of another event');
  insist(opened.what.data.message_id === messageId, 'the proof is of another message');
  if (commitment)
    insist(opened.what.data.commitment === commitment, 'another commitment stands in the log');
}
