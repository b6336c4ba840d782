// Verifies evidence of the audit log in the browser: proofs, consistency proofs, evidence bundles,
// copies of the log's tiles.
// The same checks in the same order and words as audit/verifier.py; formats: docs/evidence.md.
// Each verification answers {checked, notChecked, failed, verdict}: lists of sentences, and "passed",
// "failed", or "unfinished" where this browser could not check a signature.

const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
const RECEIPT_HEADER = "semafore/receipt/v1";
const BUNDLE_FORMAT = "semafore/evidence/v1";
const ENTRY = 34;
const HASH = 32;
const PARTS = ["who", "what"];
const FILES = [
  "checkpoint",
  "checkpoints.jsonl",
  "keys.json",
  "entries.bin",
  "events.jsonl",
  "verifier.py",
  "verify.html",
  "statement.html",
];
const SHOWN_FAILURES = 50;

export class VerificationError extends Error {
  constructor(what, why) {
    super(`${what}: ${why}.`);
  }
}

class Report {
  checked = [];
  notChecked = [];
  failed = [];
  unfinished = false;

  // A VerificationError inside becomes a failure, and the rest goes on.
  async noting(work) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      this.failed.push(error.message);
    }
  }

  result() {
    const { checked, notChecked, failed } = this;
    const verdict = failed.length ? "failed" : this.unfinished ? "unfinished" : "passed";
    return { checked, notChecked, failed, verdict };
  }
}

// --- Bytes and texts, read strictly: one way to write each value

function need(holds, what, why) {
  if (!holds) throw new VerificationError(what, why);
}

const encoder = new TextEncoder();

function joined(...pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function same(one, two) {
  return one.length === two.length && one.every((byte, at) => byte === two[at]);
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function b64(text, what, length = HASH) {
  try {
    const binary = typeof text === "string" ? atob(text) : "";
    if (binary.length === length && btoa(binary) === text) {
      return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    }
  } catch {
    // Not base64 at all.
  }
  throw new VerificationError(what, `is not the base64 of ${length} bytes`);
}

function b64Length(text) {
  return Math.floor((text.length * 3) / 4) - text.split("=").length + 1;
}

function decimal(text, what) {
  need(/^(0|[1-9][0-9]{0,14})$/.test(text), what, "is not a decimal number");
  return Number(text);
}

function utf8(bytes, what) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new VerificationError(what, "is not UTF-8");
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// RFC 8785 of what has no fractions: names by UTF-16, which is how JavaScript compares.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (isObject(value)) {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${canonical(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new RangeError("a fraction");
  if (typeof value === "string" && /[\ud800-\udfff]/u.test(value)) throw new RangeError("half");
  return JSON.stringify(value);
}

function readJson(text, what) {
  let value, written;
  try {
    value = JSON.parse(text);
    written = canonical(value);
  } catch {
    written = null;
  }
  need(written === text, what, "is not canonical JSON (RFC 8785) without fractions");
  need(isObject(value), what, "is not a JSON object");
  return value;
}

function namesIn(fields, required, optional, what) {
  need(isObject(fields), what, "is not a JSON object");
  for (const name of required) {
    need(Object.hasOwn(fields, name), what, `the field ${name} is missing`);
  }
  for (const name of Object.keys(fields).sort()) {
    const known = required.includes(name) || optional.includes(name);
    need(known, what, `the field ${name} is unknown`);
  }
  return fields;
}

const KINDS = {
  int: (value) => Number.isSafeInteger(value) && value >= 0,
  str: (value) => typeof value === "string",
  bool: (value) => typeof value === "boolean",
  list: Array.isArray,
  dict: isObject,
};

function typed(fields, name, kind, what) {
  const value = Object.hasOwn(fields, name) ? fields[name] : null;
  need(KINDS[kind](value), what, `the field ${name} is not what it should be`);
  return value;
}

// --- Hashes and signatures

async function sha256(...pieces) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...pieces)));
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

function crc32(bytes) {
  let sum = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) sum = CRC[(sum ^ bytes[at]) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

// The heights of the points of small order; with those an Ed25519 signature says nothing.
const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

function isSoundPoint(encoded) {
  const height = encoded.slice();
  height[31] &= 127;
  const beyond = height[31] === 127 && height[0] >= 237;
  return !(beyond && height.slice(1, 31).every((byte) => byte === 255)) &&
    !SMALL_ORDER.includes(hex(height));
}

// True or false, or null where this browser has no Ed25519.
async function ed25519(publicKey, message, signature) {
  if (signature.length !== 64) return false;
  if (!isSoundPoint(publicKey) || !isSoundPoint(signature.slice(0, 32))) return false;
  let key;
  try {
    key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  } catch (error) {
    return error.name === "NotSupportedError" ? null : false;
  }
  return crypto.subtle.verify("Ed25519", key, signature, message);
}

// --- Signed notes, checkpoints, receipts

export async function parseVkey(vkey) {
  const what = `the key ${vkey}`;
  const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+([^]*)$/.exec(vkey) ?? [];
  need(name !== undefined && /^[^\s+]+$/.test(name), what, "is not a vkey");
  const bytes = b64(encoded, what, HASH + 1);
  need(bytes[0] === 1, what, "is not an Ed25519 key");
  const right = hex((await sha256(encoder.encode(`${name}\n`), bytes)).slice(0, 4));
  need(id === right, what, "its key id is not that of this name and key");
  return { name, id, publicKey: bytes.slice(1), vkey };
}

async function openNote(note, vkeys, what) {
  const keys = await Promise.all(vkeys.map(parseVkey));
  const gap = note.lastIndexOf("\n\n");
  const signatures = note.slice(gap + 2);
  need(gap >= 0 && signatures.endsWith("\n"), what, "is not a signed note");
  need(!/[\0-\x09\x0b-\x1f]/.test(note), what, "holds a control character");
  const opened = { text: note.slice(0, gap + 1), signedBy: [], unknown: [], unable: false };
  const seen = new Set();
  for (const line of signatures.slice(0, -1).split("\n")) {
    const [, name, encoded] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+=*)$/.exec(line) ?? [];
    need(name !== undefined, what, `this is not a signature line: ${line}`);
    const blob = b64(encoded, `${what}, the signature of ${name}`, b64Length(encoded));
    const id = hex(blob.slice(0, 4));
    need(!seen.has(`${name} ${id}`), what, `${name} signed it twice with one key`);
    seen.add(`${name} ${id}`);
    const key = keys.find((known) => known.name === name && known.id === id);
    if (key === undefined) {
      const ours = keys.some((known) => known.name === name || known.id === id);
      need(!ours, what, `the signature of ${name} is by a key (${id}) that is not known`);
      opened.unknown.push(name);
      continue;
    }
    const good = await ed25519(key.publicKey, encoder.encode(opened.text), blob.slice(4));
    need(good !== false, what, `the signature of ${name} (key ${id}) is wrong`);
    opened.unable ||= good === null;
    opened.signedBy.push(key);
  }
  const why = keys.length ? "" : ": no key was given, and it carries none itself";
  need(opened.signedBy.length, what, `none of the known keys signed it${why}`);
  return opened;
}

function parseCheckpoint(text, what) {
  const lines = text.split("\n");
  const three = lines.length === 4 && lines[0] && !lines[3];
  need(three, what, "does not consist of three lines");
  const size = decimal(lines[1], `${what}, its size`);
  return { origin: lines[0], size, root: b64(lines[2], `${what}, its root`) };
}

// The name of a log, and which of its origins this is: after restores `/2`, `/3` and so on.
function lineage(origin) {
  const match = /^(.+\/log\/[^/]+)\/([2-9]|[1-9][0-9]{1,8})$/.exec(origin);
  return match ? { log: match[1], number: Number(match[2]) } : { log: origin, number: 1 };
}

async function openCheckpoint(note, vkeys, what = "the checkpoint") {
  const opened = await openNote(note, vkeys, what);
  const checkpoint = parseCheckpoint(opened.text, what);
  // Else the key of one log, or of receipts, could speak for another.
  const own = opened.signedBy.some((key) => key.name === checkpoint.origin);
  need(own, what, `no key of ${checkpoint.origin} signed it`);
  return { where: what, checkpoint, note: opened };
}

async function openReceipt(note, vkeys, what = "the receipt") {
  const opened = await openNote(note, vkeys, what);
  const lines = opened.text.split("\n");
  need(lines.length === 6 && lines[0] === RECEIPT_HEADER, what, "is not a receipt");
  const signer = `${lines[1].split("/")[0]}/receipt`;
  need(opened.signedBy.some((key) => key.name === signer), what, `no key of ${signer} signed it`);
  const leaf = b64(lines[2], `${what}, its leaf`);
  return { origin: lines[1], leaf, acceptedAt: lines[3], includeBy: lines[4], note: opened };
}

// --- Trees (RFC 6962)

const ZERO = new Uint8Array([0]);
const ONE = new Uint8Array([1]);

const leafHash = (entry) => sha256(ZERO, entry);
const nodeHash = (left, right) => sha256(ONE, left, right);

async function fold(level) {
  while (level.length > 1) {
    const pairs = [];
    for (let at = 0; at + 1 < level.length; at += 2) pairs.push(nodeHash(level[at], level[at + 1]));
    const odd = level.length % 2 ? level.slice(-1) : [];
    level = [...(await Promise.all(pairs)), ...odd];
  }
  return level[0];
}

async function treeRoots(entries, size, wanted) {
  const roots = new Map([[0, await sha256()]]);
  // Full subtrees of 256 leaves and upwards, the largest first, with their heights.
  const stack = [];
  const ends = [...new Set(wanted)].filter((end) => end > 0 && end <= size);
  ends.sort((one, two) => one - two);
  for (let start = 0; start < size; start += 256) {
    const stop = Math.min(start + 256, size);
    const hashing = [];
    for (let at = start; at < stop; at++) {
      hashing.push(leafHash(entries.subarray(at * ENTRY, (at + 1) * ENTRY)));
    }
    const leaves = await Promise.all(hashing);
    while (ends.length && ends[0] <= stop) {
      const end = ends.shift();
      let root = await fold(leaves.slice(0, end - start));
      for (const [, left] of stack.toReversed()) root = await nodeHash(left, root);
      roots.set(end, root);
    }
    let height = 0;
    let root = await fold(leaves);
    while (stack.length && stack.at(-1)[0] === height) {
      root = await nodeHash(stack.pop()[1], root);
      height += 1;
    }
    stack.push([height, root]);
  }
  return roots;
}

const half = (number) => Math.floor(number / 2);

async function rootFromInclusion(leaf, index, size, path, what = "the inclusion proof") {
  need(index < size, what, `there is no entry ${index} in a tree of ${size}`);
  let last = size - 1;
  for (const step of path) {
    need(last > 0, what, "is longer than the tree is high");
    if (index % 2 || index === last) {
      leaf = await nodeHash(step, leaf);
      while (index % 2 === 0 && index) [index, last] = [half(index), half(last)];
    } else {
      leaf = await nodeHash(leaf, step);
    }
    [index, last] = [half(index), half(last)];
  }
  need(last === 0, what, "is shorter than the tree is high");
  return leaf;
}

async function verifyInclusion(leaf, index, size, path, root) {
  const found = await rootFromInclusion(leaf, index, size, path);
  need(same(found, root), "the inclusion proof", "does not lead to the root of the checkpoint");
}

async function verifyTreeConsistency(oldSize, newSize, proof, oldRoot, newRoot) {
  const what = "the consistency proof";
  need(oldSize <= newSize, what, "the older checkpoint is the larger one");
  if (oldSize === 0 || oldSize === newSize) {
    need(!proof.length, what, "is longer than it must be");
    const expected = oldSize ? newRoot : await sha256();
    need(same(oldRoot, expected), what, "two checkpoints of one size have different roots");
    return;
  }
  let [node, last] = [oldSize - 1, newSize - 1];
  while (node % 2) [node, last] = [half(node), half(last)];
  const steps = node ? proof : [oldRoot, ...proof];
  need(steps.length, what, "is empty");
  let [older, newer] = [steps[0], steps[0]];
  for (const step of steps.slice(1)) {
    need(last > 0, what, "is longer than the tree is high");
    if (node % 2 || node === last) {
      [older, newer] = [await nodeHash(step, older), await nodeHash(step, newer)];
      while (node % 2 === 0 && node) [node, last] = [half(node), half(last)];
    } else {
      newer = await nodeHash(newer, step);
    }
    [node, last] = [half(node), half(last)];
  }
  need(last === 0, what, "is shorter than the tree is high");
  need(same(older, oldRoot), what, "does not lead to the root of the older checkpoint");
  need(same(newer, newRoot), what, "does not lead to the root of the newer checkpoint");
}

// --- Events

const FIELDS = [
  "who", "who_opening", "c_who", "what", "what_opening", "c_what", "withheld", "content", "seq",
];

async function openParts(fields, where) {
  namesIn(fields, ["class", "v"], FIELDS, where);
  need(typed(fields, "v", "int", where) === 1, where, "its version is not 1");
  const eventClass = typed(fields, "class", "int", where);
  need(eventClass > 0 && eventClass < 256, where, "its class is not a byte");
  const parts = {};
  const commitments = [];
  for (const name of PARTS) {
    if (!Object.hasOwn(fields, name)) {
      const openless = !Object.hasOwn(fields, `${name}_opening`);
      need(openless, where, `opens ${name}, which is not there`);
      parts[name] = null;
      commitments.push(b64(fields[`c_${name}`], `${where}, c_${name}`));
      continue;
    }
    const text = typed(fields, name, "str", where);
    need(!Object.hasOwn(fields, `c_${name}`), where, `holds both ${name} and c_${name}`);
    const opening = b64(fields[`${name}_opening`], `${where}, ${name}_opening`);
    const head = encoder.encode(`semafore/part/v1\0${name}\0`);
    commitments.push(await sha256(head, opening, encoder.encode(text)));
    // The hash fixes its bytes, so that its form needs no check.
    let part = null;
    try {
      part = JSON.parse(text);
    } catch {
      // Said below.
    }
    need(isObject(part), `${where}, ${name}`, "is not a JSON object");
    parts[name] = part;
  }
  const { who, what } = parts;
  if (what !== null) {
    const inside = `${where}, what`;
    namesIn(what, ["data", "id", "outcome", "time", "type"], ["attempts"], inside);
    for (const name of ["id", "type", "time", "outcome"]) typed(what, name, "str", inside);
    typed(what, "data", "dict", inside);
  }
  const withheld = Object.hasOwn(fields, "withheld") ? typed(fields, "withheld", "list", where) : [];
  const known = ["[]", '["who"]', '["what"]', '["who","what"]', '["what","who"]'];
  const honest = known.includes(canonical(withheld)) && withheld.every((name) => !parts[name]);
  need(honest, where, "withholds no such part");
  const kind = new Uint8Array([eventClass]);
  const digest = await sha256(encoder.encode("semafore/event/v1\0"), kind, ...commitments);
  const content = Object.hasOwn(fields, "content")
    ? await openContent(fields.content, what, where)
    : null;
  return { entry: joined(ONE, kind, digest), eventClass, who, what, withheld, content };
}

// An event of which nothing is left but its entry.
function openEntry(fields, where) {
  namesIn(fields, ["class", "entry", "v"], [], where);
  need(typed(fields, "v", "int", where) === 1, where, "its version is not 1");
  const entry = b64(fields.entry, `${where}, entry`, ENTRY);
  need(entry[0] === 1, `${where}, entry`, "is of another version");
  const eventClass = typed(fields, "class", "int", where);
  need(entry[1] === eventClass, where, "its class is not the entry's");
  return { entry, eventClass, who: null, what: null, withheld: [], content: null, gone: true };
}

async function openContent(given, what, event) {
  const where = `${event}, content`;
  const fields = namesIn(given, ["count", "index", "path", "sha256"], [], where);
  need(what !== null, where, "can't be proved while the event's what is not open");
  const data = what.data;
  const root = b64(data.content_root, `${where}, the event's content_root`);
  const count = typed(fields, "count", "int", where);
  need(data.envelopes === count, where, "counts other than the event");
  const path = typed(fields, "path", "list", where).map((step) => b64(step, `${where}, path`));
  const digest = b64(fields.sha256, `${where}, sha256`);
  const index = typed(fields, "index", "int", where);
  const found = await rootFromInclusion(await leafHash(digest), index, count, path, where);
  need(same(found, root), where, "this ciphertext is not one of the message's");
  return digest;
}

async function verifyParts(fields, entry, where) {
  const opened = await openParts(fields, where);
  if (!same(opened.entry, entry)) {
    const why = opened.eventClass === entry[1]
      ? "its parts are not those that were recorded"
      : "its class is another";
    throw new VerificationError(where, `does not match its entry in the log: ${why}`);
  }
  return opened;
}

// --- Proofs

const TRUTH =
  "That what the server recorded is true, and its clock right: a log shows only what was" +
  " recorded, in which order, and that it was not changed since.";

async function openProof(text, vkeys, report) {
  const what = "the proof";
  const gap = text.indexOf("\n\n");
  const lines = (gap < 0 ? text : text.slice(0, gap)).split("\n");
  need(gap >= 0 && lines[0] === PROOF_HEADER, what, `does not begin with ${PROOF_HEADER}`);
  need(lines.length > 2 && lines[1].startsWith("extra "), `${what}, line 2`, "holds no event");
  need(lines[2].startsWith("index "), `${what}, line 3`, "holds no index");
  const encoded = lines[1].slice(6);
  const extra = utf8(b64(encoded, `${what}, extra`, b64Length(encoded)), `${what}, extra`);
  let index = decimal(lines[2].slice(6), `${what}, index`);
  const path = lines.slice(3).map((line, at) => b64(line, `${what}, line ${at + 4}`));
  const fields = readJson(extra, `${what}, extra`);
  need(!Object.hasOwn(fields, "seq"), `${what}, extra`, "the field seq is unknown");
  const alone = Object.hasOwn(fields, "entry");
  const opened = alone ? openEntry(fields, what) : await openParts(fields, what);
  const signed = await openCheckpoint(text.slice(gap + 2), vkeys);
  const { checkpoint } = signed;
  const leaf = await leafHash(opened.entry);
  await verifyInclusion(leaf, index, checkpoint.size, path, checkpoint.root);
  saySigned(report, signed);
  report.checked.push(
    `Entry ${index} stands in the log ${checkpoint.origin}: the proof leads from it to the root` +
      ` of the first ${checkpoint.size} entries.`,
  );
  sayParts(report, opened);
  report.notChecked.push(TRUTH);
  return { checkpoint, leaf, content: opened.content };
}

function saySigned(report, { checkpoint, note }) {
  for (const { vkey } of note.signedBy) {
    if (note.unable) {
      report.unfinished = true;
      report.notChecked.push(
        `The signature of ${vkey}: this browser can't check Ed25519 signatures.`,
      );
    } else {
      report.checked.push(`The checkpoint of size ${checkpoint.size} is signed by ${vkey}.`);
    }
  }
  for (const name of note.unknown) {
    report.notChecked.push(`The signature of ${name}: its key is not known here.`);
  }
}

function sayParts(report, { eventClass, who, what, withheld, content, gone }) {
  if (what !== null) {
    report.checked.push(
      `What happened is what the entry commits to: ${what.type}, ${what.outcome},` +
        ` ${what.time}, event ${what.id}.`,
    );
  }
  if (who !== null) report.checked.push("Who was involved is what the entry commits to.");
  if (gone) {
    report.notChecked.push(
      `The event itself: only its entry is left, which proves that an event of class ${eventClass}` +
        " was recorded in this place, and not what happened or who was involved. That retention" +
        " deleted it is in the log's retention records, not in this proof.",
    );
    return;
  }
  for (const [name, part, subject] of [
    ["who", who, "Who was involved"],
    ["what", what, "What happened"],
  ]) {
    if (withheld.includes(name)) {
      report.notChecked.push(`${subject}: withheld; only the commitment is here.`);
    } else if (part === null) {
      report.notChecked.push(
        `${subject}: no longer kept; only the commitment is here. That retention deleted` +
          " it is in the log's retention records, not in this proof.",
      );
    }
  }
  if (content !== null) {
    report.checked.push(
      `The ciphertext with the SHA-256 ${hex(content)} is one of the message's.`,
    );
  }
}

// The findings on a proof. Anchors are [name, note], content is [name, bytes of the ciphertext].
export async function verifyProof(text, vkeys, { anchors = [], content, receipt } = {}) {
  const report = new Report();
  const proved = await report.noting(() => openProof(text, vkeys, report));
  if (proved && content) {
    await report.noting(() => checkContent(report, proved.content, ...content));
  }
  if (proved && receipt) {
    await report.noting(async () => checkReceipt(report, proved, await openReceipt(receipt, vkeys)));
  }
  for (const [name, note] of proved ? anchors : []) {
    await report.noting(async () =>
      checkEqual(report, proved.checkpoint, await openCheckpoint(note, vkeys, name), name),
    );
  }
  return report.result();
}

async function checkContent(report, proved, name, bytes) {
  need(proved !== null, name, "the proof is of a message, not of one ciphertext");
  const digest = await sha256(bytes);
  need(same(proved, digest), name, `is another ciphertext: its SHA-256 is ${hex(digest)}`);
  report.checked.push(`${name} is that ciphertext.`);
}

function checkReceipt(report, proved, receipt) {
  const sameLog = receipt.origin === proved.checkpoint.origin;
  need(sameLog, "the receipt", `is for another log: ${receipt.origin}`);
  need(same(receipt.leaf, proved.leaf), "the receipt", "is for another event");
  report.unfinished ||= receipt.note.unable;
  report.checked.push(
    `The receipt is signed and is for this event: accepted ${receipt.acceptedAt}, to be in the` +
      ` log by ${receipt.includeBy}.`,
  );
}

function checkEqual(report, ours, { checkpoint, note }, name) {
  need(checkpoint.origin === ours.origin, name, `is of another log: ${checkpoint.origin}`);
  report.unfinished ||= note.unable;
  if (checkpoint.size !== ours.size) {
    report.notChecked.push(
      `${name}: of size ${checkpoint.size}, the proof's checkpoint of size ${ours.size}; a` +
        " consistency proof or an evidence bundle connects them.",
    );
    return;
  }
  const forked = `has another root at size ${ours.size}: the log forked`;
  need(same(checkpoint.root, ours.root), name, forked);
  report.checked.push(`${name} is the same tree.`);
}

// The findings on {"new": note, "old": note, "proof": [base64, …]}.
export async function verifyConsistency(text, vkeys) {
  const report = new Report();
  const what = "the consistency proof";
  await report.noting(async () => {
    const fields = namesIn(readJson(text, what), ["new", "old", "proof"], [], what);
    const pair = [];
    for (const name of ["old", "new"]) {
      const where = `the ${name} checkpoint`;
      const signed = await openCheckpoint(typed(fields, name, "str", what), vkeys, where);
      pair.push(signed.checkpoint);
      saySigned(report, signed);
    }
    const [older, newer] = pair;
    need(older.origin === newer.origin, what, "the checkpoints are of two logs");
    const proof = typed(fields, "proof", "list", what).map((step) => b64(step, what));
    await verifyTreeConsistency(older.size, newer.size, proof, older.root, newer.root);
    report.checked.push(
      `In the log ${newer.origin} the first ${older.size} entries are the same at size` +
        ` ${newer.size}: nothing was changed or taken out.`,
    );
  });
  return report.result();
}

// --- Evidence bundles

// From here on a ZIP's directory has other headers, and browsers don't hold a file in memory.
const LARGE = 2 ** 31;
const MAX = 0xffffffff;

// Little-endian numbers, as [bytes, value] pairs.
function packed(...numbers) {
  const whole = new DataView(new ArrayBuffer(numbers.reduce((sum, [width]) => sum + width, 0)));
  let at = 0;
  for (const [width, value] of numbers) {
    if (width === 2) whole.setUint16(at, value, true);
    if (width === 4) whole.setUint32(at, value, true);
    if (width === 8) whole.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return new Uint8Array(whole.buffer);
}

const shorts = (...values) => values.map((value) => [2, value]);
const longs = (...values) => values.map((value) => [4, value]);
const wides = (...values) => values.map((value) => [8, value]);

function localHeader(name, crc, size) {
  const head = packed(
    ...longs(0x04034b50), ...shorts(45, 0, 0, 0, 33), ...longs(crc, MAX, MAX),
    ...shorts(name.length, 20),
  );
  return joined(head, name, packed(...shorts(1, 16), ...wides(size, size)));
}

function centralHeader(name, crc, size, offset) {
  const head = packed(
    ...longs(0x02014b50), ...shorts(45 + 3 * 256, 45, 0, 0, 0, 33), ...longs(crc, size, size),
    ...shorts(name.length, 0, 0, 0, 0), ...longs(0o644 * 65536, offset),
  );
  return joined(head, name);
}

function archiveEnd(count, size, offset) {
  return packed(
    ...longs(0x06054b50), ...shorts(0, 0, count, count), ...longs(size, offset), ...shorts(0),
  );
}

const NO_DIRECTORY =
  "its directory is not where it should be: something was put in or taken out";

// The files of a ZIP as the exporter writes it: stored, one after the other, nothing between.
// All headers are made anew from names, sizes and sums, so that no byte of the ZIP is free.
function readArchive(bytes) {
  const zipFile = "the ZIP file";
  need(bytes.length, zipFile, "is empty");
  need(bytes.length < LARGE, zipFile, "is too large for a browser; use verifier.py");
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const marked = (at, mark) => data.getUint32(at, true) === mark;
  const whole = bytes.length >= 22 && marked(bytes.length - 22, 0x06054b50);
  need(whole, zipFile, "does not end as one: it is cut off, or something was added");
  const wide = (at) => Number(data.getBigUint64(at, true));
  const tail = bytes.length - 22;
  let [count, length] = [data.getUint16(tail + 10, true), data.getUint32(tail + 12, true)];
  let start = data.getUint32(tail + 16, true);
  // What a large archive has, and in one of this size an altered byte: read as verifier.py does.
  if (start >= LARGE && bytes.length >= 98) {
    [count, length, start] = [tail - 44, tail - 36, tail - 28].map(wide);
  }
  const files = new Map();
  const central = [];
  let [at, position] = [start, 0];
  while (central.length < count) {
    let crc, size, nameLength, where;
    try {
      crc = data.getUint32(at + 16, true);
      nameLength = data.getUint16(at + 28, true);
      where = data.getUint32(at + 42, true);
      const extra = data.getUint16(at + 30, true);
      size = extra > 16 ? wide(at + 50 + nameLength) : data.getUint32(at + 24, true);
    } catch {
      throw new VerificationError(zipFile, NO_DIRECTORY);
    }
    need(marked(at, 0x02014b50), zipFile, NO_DIRECTORY);
    const encoded = bytes.subarray(at + 46, at + 46 + nameLength);
    const name = String.fromCharCode(...encoded);
    need(/^[a-z0-9][a-z0-9._-]*$/.test(name), zipFile, "holds a bad name");
    const file = `the ZIP file, ${name}`;
    need(!files.has(name), file, "is there twice");
    const header = localHeader(encoded, crc, size);
    const begin = position + header.length;
    const found = bytes.subarray(position, begin);
    need(same(found, header), file, "its header is not the exporter's");
    central.push(centralHeader(encoded, crc, size, position));
    const near = where === position || where === MAX;
    need(near && begin + size <= start, file, "does not lie where it should");
    const content = bytes.subarray(begin, begin + size);
    files.set(name, content);
    need(crc32(content) === crc, file, "was changed (CRC-32)");
    [at, position] = [at + central.at(-1).length, begin + size];
  }
  const directory = joined(...central);
  const end = joined(directory, archiveEnd(count, directory.length, position));
  const placed = position === start && length === directory.length;
  const right = placed && same(bytes.subarray(position), end);
  need(right, zipFile, "its directory is not the exporter's");
  return files;
}

const MANIFEST = [
  "complete", "events", "files", "format", "made_at", "organisation", "origin", "size",
];

async function readManifest(report, files) {
  const what = "manifest.json";
  const names = [...files.keys()];
  need(names.at(-1) === what, what, "is not the last file of the bundle");
  names.pop();
  const fields = readJson(utf8(files.get(what), what), what);
  namesIn(fields, MANIFEST, ["case_reference", "reason"], what);
  need(fields.format === BUNDLE_FORMAT, what, `the format is not ${BUNDLE_FORMAT}`);
  for (const name of ["made_at", "origin"]) typed(fields, name, "str", what);
  for (const name of ["case_reference", "reason"]) {
    if (Object.hasOwn(fields, name)) typed(fields, name, "str", what);
  }
  const organisation = namesIn(fields.organisation, ["log_id", "name"], [], what);
  for (const name of Object.keys(organisation)) typed(organisation, name, "str", what);
  const size = typed(fields, "size", "int", what);
  const events = typed(fields, "events", "int", what);
  const listed = [];
  for (const one of typed(fields, "files", "list", what)) {
    namesIn(one, ["bytes", "name", "sha256"], [], `${what}, files`);
    const name = typed(one, "name", "str", `${what}, files`);
    await report.noting(async () => {
      need(names.includes(name), name, "the manifest lists it and it is missing");
      need(!listed.includes(name), name, "the manifest lists it twice");
      const content = files.get(name);
      need(one.bytes === content.length, name, "has not the length that the manifest says");
      const digest = hex(await sha256(content));
      need(one.sha256 === digest, name, "has not the SHA-256 that the manifest says");
    });
    listed.push(name);
  }
  for (const name of names) {
    await report.noting(() => need(listed.includes(name), name, "the manifest does not list it"));
  }
  for (const name of FILES) need(files.has(name), name, "is missing");
  await report.noting(() => {
    need(listed.join() === names.join(), what, "lists the files in another order");
  });
  if (!report.failed.length) {
    report.checked.push(`All ${listed.length} files are those that the manifest lists.`);
  }
  const others = listed.filter((name) => !FILES.includes(name));
  if (others.length) report.notChecked.push(`What these files say: ${others.join(", ")}.`);
  report.notChecked.push(
    "What the manifest says of itself (when and for whom it was made, and why), and" +
      " statement.html: words of whoever made the bundle.",
  );
  return { origin: fields.origin, size, events, complete: typed(fields, "complete", "bool", what) };
}

// What the opened events say of the log itself, and what is missing of the others.
class Log {
  next = 0;
  opened = { who: 0, what: 0 };
  withheld = { who: 0, what: 0 };
  // For each origin that ended and whose end the log still tells, where and the event's data.
  ended = [];
  begun = null;
  announced = new Map();
  retired = new Map();
  // By "class part": [first, last, count] of each record, and what is missing.
  swept = new Map();
  missing = new Map();

  constructor(entries) {
    this.entries = entries;
    this.size = Math.floor(entries.length / ENTRY);
  }

  static add(map, eventClass, part, value) {
    const place = `${eventClass} ${part}`;
    if (!map.has(place)) map.set(place, []);
    map.get(place).push(value);
  }

  async take(line, where) {
    const fields = readJson(utf8(line, where), where);
    const seq = typed(fields, "seq", "int", where);
    where = `${where} (seq ${seq})`;
    need(seq < this.size, where, "the log has no such entry");
    need(seq >= this.next, where, "is not in the order of the log");
    this.skipTo(seq);
    this.next = seq + 1;
    const entry = this.entries.subarray(seq * ENTRY, this.next * ENTRY);
    const opened = await verifyParts(fields, entry, where);
    for (const name of PARTS) {
      if (opened[name] !== null) this.opened[name] += 1;
      else if (opened.withheld.includes(name)) this.withheld[name] += 1;
      else Log.add(this.missing, opened.eventClass, name, seq);
    }
    if (opened.what !== null && [4, 5].includes(opened.eventClass)) {
      this.#note(seq, opened.eventClass, opened.what, where);
    }
  }

  // The ends of this origin and of those after it.
  endedSince(origin) {
    const { log, number } = lineage(origin);
    return this.ended.filter(([, data]) => {
      const one = lineage(data.previous_origin);
      return one.log === log && one.number >= number;
    });
  }

  // Of the entries before this one that have no line, both parts are missing.
  skipTo(seq) {
    for (let absent = this.next; absent < seq; absent++) {
      for (const name of PARTS) Log.add(this.missing, this.entries[absent * ENTRY + 1], name, absent);
    }
  }

  #note(seq, eventClass, { type, data }, where) {
    const kind = `${eventClass} ${type}`;
    if (kind === "5 log.key_announced") {
      const purpose = typed(data, "purpose", "str", where);
      this.announced.set(`${purpose} ${typed(data, "vkey", "str", where)}`, seq);
    } else if (kind === "5 log.key_retired") {
      this.retired.set(typed(data, "vkey", "str", where), seq);
    } else if (kind === "5 log.origin_started") {
      const origin = typed(data, "origin", "str", where);
      const previous = typed(data, "previous_origin", "str", where);
      for (const name of ["lost_from", "lost_to", "previous_size"]) typed(data, name, "int", where);
      b64(data.previous_root, `${where}, previous_root`);
      typed(data, "reason", "str", where);
      // Between what it went by and the previous origin others may have begun and been lost.
      const names = [this.begun ?? previous, previous, origin].map(lineage);
      const [before, last, next] = names.map(({ number }) => number);
      const follows = names.every(({ log }) => log === names[0].log) && data.lost_from <= seq;
      const rises = follows && before <= last && last < next;
      need(rises, where, "does not follow from what the log said before");
      this.ended.push([seq, data]);
      this.begun = origin;
    } else if (kind === "4 retention.swept") {
      for (const one of typed(data, "swept", "list", where)) {
        need(isObject(one), where, "its records can't be read");
        const record = ["first", "last", "count"].map((name) => typed(one, name, "int", where));
        need(record[1] < seq, where, "records what was not there yet");
        const eventClass = typed(one, "class", "int", where);
        Log.add(this.swept, eventClass, typed(one, "part", "str", where), record);
      }
    }
  }
}

// The lines of a file that ends with a line break; a last line without one comes as it is.
function* linesOf(bytes) {
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(10, start);
    const end = found < 0 ? bytes.length : found;
    yield found < 0 ? joined(bytes.subarray(start), new Uint8Array([10])) : bytes.subarray(start, end);
    start = end + 1;
  }
}

async function verifyEvents(report, files, manifest, log) {
  let count = 0;
  for (const line of linesOf(files.get("events.jsonl"))) {
    count += 1;
    await report.noting(() => log.take(line, `events.jsonl, line ${count}`));
  }
  log.skipTo(manifest.size);
  await report.noting(() => {
    const why = `holds ${count} lines, and the manifest counts ${manifest.events} events`;
    need(count === manifest.events, "events.jsonl", why);
  });
  report.checked.push(
    `Events in the bundle: ${count} of ${manifest.size} entries. What they open is what their` +
      ` entries commit to: who of ${log.opened.who}, what of ${log.opened.what}.`,
  );
  if (log.withheld.who || log.withheld.what) {
    report.notChecked.push(
      `Parts withheld by whoever made the bundle: who of ${log.withheld.who}, what of` +
        ` ${log.withheld.what}.`,
    );
  }
}

const byNumbers = (one, two) => {
  const at = one.findIndex((number, place) => number !== two[place]);
  return at < 0 ? 0 : one[at] - two[at];
};

// Each missing part must fall to a record with room for it: the earliest-ending one first.
function judgeRetention(report, manifest, log) {
  const absent = [...log.missing.values()].reduce((sum, seqs) => sum + seqs.length, 0);
  if (!manifest.complete) {
    if (absent) {
      report.notChecked.push(
        `Parts that are neither opened nor withheld: ${absent}. This is not a full export,` +
          " so it does not show whether retention deleted them.",
      );
    }
    return;
  }
  const places = [...log.missing.keys()].map((place) => place.split(" "));
  places.sort((one, two) => one[0] - two[0] || (one[1] < two[1] ? -1 : 1));
  for (const [eventClass, name] of places) {
    const place = `${eventClass} ${name}`;
    const records = (log.swept.get(place) ?? []).toSorted(byNumbers);
    const open = [];
    const uncovered = [];
    for (const seq of log.missing.get(place)) {
      while (records.length && records[0][0] <= seq) {
        const [, last, count] = records.shift();
        open.push([last, count]);
        open.sort(byNumbers);
      }
      while (open.length && (open[0][0] < seq || !open[0][1])) open.shift();
      if (open.length) open[0][1] -= 1;
      else uncovered.push(seq);
    }
    if (uncovered.length) {
      report.failed.push(
        `Entries ${ranges(uncovered)} (class ${eventClass}): ${name} is missing and no retention` +
          " record covers it: a gap that nothing in the log explains.",
      );
    }
  }
  if (absent && !report.failed.length) {
    report.checked.push(
      `Parts that are missing: ${absent}. Retention records in the log cover each.`,
    );
  }
}

function ranges(numbers) {
  const spans = [];
  for (const number of numbers) {
    if (spans.length && spans.at(-1)[1] === number - 1) spans.at(-1)[1] = number;
    else spans.push([number, number]);
  }
  const shown = spans.slice(0, 10).map(([one, two]) => (one === two ? `${one}` : `${one} to ${two}`));
  return [...shown, ...(spans.length > 10 ? ["and more"] : [])].join(", ");
}

// Why a checkpoint can't be held against the tree, or null if it holds.
function judge({ where, checkpoint: { origin, size, root }, note }, roots, manifest, log) {
  if (origin !== manifest.origin) {
    const ends = log.endedSince(origin);
    need(ends.length, where, `is of another log: ${origin}`);
    if (ends.some(([, data]) => size > data.lost_from)) {
      return lost(where, { origin, size, root }, ends);
    }
  } else if (size > manifest.size) {
    return (
      `${where}: of size ${size}, and the bundle ends at ${manifest.size}; a later` +
      " bundle or a consistency proof connects them."
    );
  }
  const why = `the log had another root at size ${size}: it was rewritten, or it forked`;
  need(same(roots.get(size), root), where, why);
  const retired = note.signedBy.every(({ vkey }) => (log.retired.get(vkey) ?? size) < size);
  need(!retired, where, "only keys that the log had retired by then signed it");
  return null;
}

// What a restore lost: that of its own origin, or a later one that lost more.
function lost(where, { origin, size, root }, ends) {
  const begin = `${where}: of size ${size} under the former name ${origin}.`;
  const [ownSeq, own] = ends[0];
  if (own.previous_origin === origin) {
    const [last, previous] = [own.lost_to, own.previous_size];
    const end = `is larger than its log was at its end (${last})`;
    need(size <= Math.max(last, previous), where, end);
    const known = b64(own.previous_root, where);
    const agrees = size !== previous || same(root, known);
    need(agrees, where, `is not the one that entry ${ownSeq} names`);
    if (size > own.lost_from) {
      return (
        `${begin} Its entries ${own.lost_from} to ${last - 1} are lost, as entry ${ownSeq} says` +
        ` (reason: ${own.reason}), so it can't be shown that this checkpoint agrees with the log.`
      );
    }
  }
  const [seq, data] = ends.find(([, one]) => size > one.lost_from);
  return (
    `${begin} Of what followed it, under the name ${data.previous_origin}, the entries from` +
    ` ${data.lost_from} on are lost, as entry ${seq} says (reason: ${data.reason}), so it can't be` +
    " shown that this checkpoint agrees with the log."
  );
}

async function readKeys(files) {
  const what = "keys.json";
  const fields = readJson(utf8(files.get(what), what), what);
  namesIn(fields, ["checkpoints", "receipts"], [], what);
  const lists = ["checkpoints", "receipts"].map((name) => typed(fields, name, "list", what));
  for (const vkey of lists.flat()) {
    need(typeof vkey === "string", what, "a key is not a text");
    await parseVkey(vkey);
  }
  return lists;
}

// The earlier checkpoints, which grow within each origin.
async function readCheckpoints(report, files, vkeys) {
  const found = [];
  let number = 0;
  for (const line of linesOf(files.get("checkpoints.jsonl"))) {
    number += 1;
    const where = `checkpoints.jsonl, line ${number}`;
    await report.noting(async () => {
      const fields = namesIn(readJson(utf8(line, where), where), ["note"], [], where);
      const one = await openCheckpoint(typed(fields, "note", "str", where), vkeys, where);
      const before = found.at(-1)?.checkpoint;
      const { origin, size } = one.checkpoint;
      const grown = !before || before.origin !== origin || before.size < size;
      need(grown, where, "is not larger than the one before");
      found.push(one);
    });
  }
  return found;
}

// The findings on an evidence bundle, given as its bytes. Anchors are [name, note].
export async function verifyBundle(bytes, vkeys, { anchors = [] } = {}) {
  const report = new Report();
  await report.noting(() => checkBundle(report, readArchive(bytes), anchors, vkeys));
  return report.result();
}

async function checkBundle(report, files, anchors, given) {
  const manifest = await readManifest(report, files);
  const entries = files.get("entries.bin");
  const log = new Log(entries);
  const [carried, receiptKeys] = await readKeys(files);
  const vkeys = [...new Set([...given, ...carried])];
  const note = utf8(files.get("checkpoint"), "checkpoint");
  const last = await openCheckpoint(note, vkeys, "checkpoint");
  const { origin, size } = last.checkpoint;
  const named = origin === manifest.origin && size === manifest.size;
  need(named, "checkpoint", "is not the one that the manifest names");
  need(entries.length === size * ENTRY, "entries.bin", `does not hold ${size} entries`);
  const earlier = await readCheckpoints(report, files, vkeys);
  const known = [];
  for (const [name, text] of anchors) {
    await report.noting(async () => known.push(await openCheckpoint(text, vkeys, name)));
  }
  const wanted = [last, ...earlier, ...known].map((one) => one.checkpoint.size);
  const roots = await treeRoots(entries, size, wanted);
  // Before the events: what doesn't stand in the tree is no evidence of anything.
  const why = "its root is not that of the entries in entries.bin";
  need(same(roots.get(size), last.checkpoint.root), "checkpoint", why);
  report.checked.push(`The ${size} entries make the tree of the checkpoint of ${origin}.`);
  saySigned(report, last);
  sayTrust(report, last, given);
  await verifyEvents(report, files, manifest, log);
  await report.noting(() => {
    need([null, origin].includes(log.begun), "checkpoint", `its log goes by ${log.begun} since`);
    judge(last, roots, manifest, log);
  });
  let prefixes = 0;
  for (const one of earlier) {
    await report.noting(() => {
      const question = judge(one, roots, manifest, log);
      if (question === null) prefixes += 1;
      else report.notChecked.push(question);
    });
  }
  if (earlier.length) {
    report.checked.push(
      "Earlier checkpoints that are signed and whose trees are the beginning of this one:" +
        ` ${prefixes} of ${earlier.length}.`,
    );
  }
  for (const one of known) {
    await report.noting(() => {
      const question = judge(one, roots, manifest, log);
      if (question !== null) report.notChecked.push(question);
      else {
        report.checked.push(
          `${one.where}: its ${one.checkpoint.size} entries are the first of this log;` +
            " nothing was changed or taken out since.",
        );
      }
    });
  }
  sayAnnounced(report, log, carried, receiptKeys);
  judgeRetention(report, manifest, log);
  report.notChecked.push(TRUTH);
  shorten(report);
}

function shorten(report) {
  if (report.failed.length <= SHOWN_FAILURES) return;
  const more = report.failed.length - SHOWN_FAILURES;
  report.failed.splice(SHOWN_FAILURES, more, `And ${more} failures more.`);
}

function sayTrust(report, last, given) {
  if (!given.length) {
    for (const { vkey } of last.note.signedBy) {
      report.notChecked.push(
        `Whose key it is: this bundle itself carries ${vkey}; compare it with one that you` +
          " know, or give yours.",
      );
    }
    return;
  }
  const byGiven = last.note.signedBy.some(({ vkey }) => given.includes(vkey));
  need(byGiven, "checkpoint", "none of the keys that you gave signed it");
  report.checked.push("The key that signed the checkpoint is one that you gave.");
}

function sayAnnounced(report, log, checkpointKeys, receiptKeys) {
  const keys = checkpointKeys.map((vkey) => ["checkpoints", vkey]);
  for (const [purpose, vkey] of [...keys, ...receiptKeys.map((vkey) => ["receipts", vkey])]) {
    const seq = log.announced.get(`${purpose} ${vkey}`);
    if (seq === undefined) {
      report.notChecked.push(
        `The key for ${purpose} ${vkey}: no event in this bundle announces it.`,
      );
    } else {
      report.checked.push(`Entry ${seq} announces the key for ${purpose} ${vkey}.`);
    }
  }
}

// --- Tiles

const TILE = 256;

// The findings on a copy of the log's tiles: a Map of paths, `checkpoint` and `tile/…`, to bytes.
export async function verifyTiles(files, vkeys, { anchors = [] } = {}) {
  const report = new Report();
  await report.noting(async () => {
    need(files.has("checkpoint"), "checkpoint", "is missing");
    const note = utf8(files.get("checkpoint"), "checkpoint");
    const signed = await openCheckpoint(note, vkeys, "checkpoint");
    saySigned(report, signed);
    await new Tiles(report, files, signed.checkpoint).check(anchors, vkeys);
    report.notChecked.push(
      "What the entries are of: tiles hold hashes alone. Proofs and evidence bundles open them.",
      TRUTH,
    );
    shorten(report);
  });
  return report.result();
}

// Groups of three digits, all but the last with `x`; `.p/<width>` where it is not full.
function placeOf(index, width) {
  const digits = (number) => String(number % 1000).padStart(3, "0");
  let place = digits(index);
  for (let rest = index; rest >= 1000; ) {
    rest = Math.floor(rest / 1000);
    place = `x${digits(rest)}/${place}`;
  }
  return width === TILE ? place : `${place}.p/${width}`;
}

const PLACE =
  /^([0-9]|[1-5][0-9]|6[0-3]|entries)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;

function parsePlace(name) {
  const [, kind, groups, partial] = PLACE.exec(name) ?? [];
  if (kind !== undefined) {
    const index = Number(groups.replace(/[x/]/g, ""));
    const width = partial === undefined ? TILE : Number(partial);
    const right = width > 0 && width <= TILE && name === `${kind}/${placeOf(index, width)}`;
    if (right) return { kind, index, width };
  }
  throw new VerificationError(`tile/${name}`, "is not how a tile is named");
}

function byParts(one, two) {
  const [ours, theirs] = [one.split("/"), two.split("/")];
  const at = ours.findIndex((part, index) => part !== theirs[index]);
  if (at < 0) return ours.length - theirs.length;
  if (at >= theirs.length) return 1;
  return ours[at] < theirs[at] ? -1 : 1;
}

async function rootOf(leaves) {
  return leaves.length ? fold(leaves) : sha256();
}

// A copy of the tiles, held against its checkpoint.
class Tiles {
  constructor(report, files, checkpoint) {
    Object.assign(this, { report, files, checkpoint, size: checkpoint.size });
    this.of = `the checkpoint of ${checkpoint.origin}`;
  }

  async check(anchors, vkeys) {
    const known = [];
    for (const [name, text] of anchors) {
      await this.report.noting(async () => known.push(await openCheckpoint(text, vkeys, name)));
    }
    const leaves = await this.leaves();
    const levels = await levelsOf(leaves);
    const beyond = [];
    let sound = 0;
    const names = [...this.files.keys()].filter((name) => name.startsWith("tile/"));
    for (const path of names.sort(byParts)) {
      await this.report.noting(async () => {
        const { kind, index, width } = parsePlace(path.slice("tile/".length));
        const row = levels[kind === "entries" ? 0 : Number(kind)] ?? [];
        const first = index * TILE;
        const found = await this.read(path, kind, width);
        compareTile(path, kind, first, found, row.slice(first, first + width));
        if (first + width > row.length) beyond.push(path);
        else sound += 1;
      });
    }
    await this.allThere(levels);
    if (!this.report.failed.length) {
      this.report.checked.push(
        `Each of the ${sound} tiles and entry bundles holds what the ${this.size} entries make,` +
          ` and these have the root of ${this.of}.`,
      );
    }
    if (beyond.length) {
      this.report.notChecked.push(
        `Tiles that reach beyond ${this.of}: ${beyond.slice(0, 10).join(", ")}` +
          (beyond.length > 10 ? " and more." : "."),
      );
    }
    for (const one of known) {
      this.report.unfinished ||= one.note.unable;
      await this.report.noting(() => this.checkAnchor(one.where, one.checkpoint, leaves));
    }
  }

  // The leaves of the checkpoint's root: the entries say them, or else level 0. A single one of
  // them may be wrong without hiding which.
  async leaves() {
    const problems = [];
    for (const kind of ["entries", "0"]) {
      try {
        const leaves = await this.row(kind);
        if (same(await rootOf(leaves), this.checkpoint.root)) return leaves;
        problems.push(`tile/${kind} has another root`);
      } catch (error) {
        if (!(error instanceof VerificationError)) throw error;
        problems.push(error.message.replace(/\.$/, ""));
      }
    }
    const why = `nothing in the folder has its root (${problems.join("; ")})`;
    throw new VerificationError("checkpoint", why);
  }

  // The hashes that its tiles have; of entries, their leaf hashes.
  async row(kind) {
    const row = [];
    for (let first = 0; first < this.size; first += TILE) {
      const width = Math.min(this.size - first, TILE);
      const path = this.find(kind, first / TILE, width);
      // A mirror may have fetched a wider one since, of which this is the beginning.
      const whole = await this.read(path, kind, parsePlace(path.slice("tile/".length)).width);
      row.push(...whole.slice(0, width));
    }
    return row;
  }

  // The narrowest tile that has so many hashes.
  find(kind, index, least) {
    for (let width = least; width <= TILE; width++) {
      const path = `tile/${kind}/${placeOf(index, width)}`;
      if (this.files.has(path)) return path;
    }
    throw new VerificationError(`tile/${kind}/${placeOf(index, least)}`, "is missing");
  }

  // The hashes in a tile, or the leaf hashes of the entries.
  async read(path, kind, width) {
    const data = this.files.get(path);
    const step = kind === "entries" ? 2 + ENTRY : HASH;
    need(data.length === width * step, path, `has not the length of ${width} of them`);
    const pieces = [];
    for (let at = 0; at < data.length; at += step) pieces.push(data.subarray(at, at + step));
    if (kind !== "entries") return pieces;
    for (const [at, piece] of pieces.entries()) {
      const whole = piece[0] === 0 && piece[1] === ENTRY;
      need(whole, path, `the length of its entry ${at} is not ${ENTRY}`);
    }
    return Promise.all(pieces.map((piece) => leafHash(piece.subarray(2))));
  }

  // Every tile that the checkpoint's tree has is there.
  async allThere(levels) {
    for (const [level, row] of levels.entries()) {
      for (const kind of level === 0 ? ["entries", "0"] : [String(level)]) {
        for (let first = 0; first < row.length; first += TILE) {
          await this.report.noting(() =>
            this.find(kind, first / TILE, Math.min(row.length - first, TILE)),
          );
        }
      }
    }
  }

  async checkAnchor(name, anchor, leaves) {
    const ours = this.checkpoint;
    const sameLog = lineage(anchor.origin).log === lineage(ours.origin).log;
    need(sameLog, name, `is of another log: ${anchor.origin}`);
    if (anchor.size > ours.size) {
      this.report.notChecked.push(
        `${name}: of size ${anchor.size}, and the tiles end at ${ours.size}.`,
      );
      return;
    }
    const agrees = same(await rootOf(leaves.slice(0, anchor.size)), anchor.root);
    if (!agrees && anchor.origin !== ours.origin) {
      this.report.notChecked.push(
        `${name}: of size ${anchor.size} under another name of this log, ${anchor.origin}, and the` +
          " log has another root there; only an evidence bundle tells what a restore lost.",
      );
      return;
    }
    const why = `the log had another root at size ${anchor.size}: it was rewritten, or it forked`;
    need(agrees, name, why);
    this.report.checked.push(
      `${name}: its ${anchor.size} entries are the first of this log; nothing was changed or` +
        " taken out since.",
    );
  }
}

// The hashes of each level of tiles: of level 0 the leaves, then those of full tiles.
async function levelsOf(leaves) {
  const levels = [leaves];
  while (levels.at(-1).length >= TILE) {
    const below = levels.at(-1);
    const folding = [];
    for (let first = 0; first + TILE <= below.length; first += TILE) {
      folding.push(fold(below.slice(first, first + TILE)));
    }
    levels.push(await Promise.all(folding));
  }
  return levels;
}

function compareTile(path, kind, first, found, expected) {
  for (const [at, one] of expected.entries()) {
    if (same(found[at], one)) continue;
    const wrong =
      kind === "entries"
        ? `entry ${first + at} is not the one that was recorded`
        : `its hash ${at} is not that of the entries`;
    throw new VerificationError(path, wrong);
  }
}

// The findings on whatever the bytes are; null where they are none of ours.
export async function verifyFile(bytes, vkeys, options = {}) {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return verifyBundle(bytes, vkeys, options);
  const begin = String.fromCharCode(...bytes.subarray(0, PROOF_HEADER.length));
  if (!begin.startsWith("{") && begin !== PROOF_HEADER) return null;
  const report = new Report();
  const text = await report.noting(() => utf8(bytes, "the file"));
  if (text === undefined) return report.result();
  if (begin.startsWith("{")) return verifyConsistency(text, vkeys);
  return verifyProof(text, vkeys, options);
}
