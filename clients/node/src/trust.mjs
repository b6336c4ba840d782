/** Watching the server: checkpoints, identity keys, receipts, proofs. */
import { base64, equalText, fromBase64 } from './bytes.mjs';
import { Refused } from './http.mjs';
import * as log from './log.mjs';

const PROOF_TRIES = 15;
const UNFIT = 'two checkpoints of this server do not fit together; both are kept in the state';

/** The server shows histories that don't fit together: stop trusting it. */
export class Distrust extends Error {}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const originOf = (note) => note.slice(0, note.indexOf('\n'));
const named = (vkeys, name) => vkeys.filter((vkey) => vkey.split('+', 1)[0] === name);

/** Whether `later` is a later origin of the same log: `…/2` after `…`, `…/3` after `…/2`. */
function isLater(earlier, later) {
  const number = (origin) => /^(.+\/log\/[^/]+)(?:\/([0-9]+))?$/.exec(origin);
  const [one, other] = [number(earlier), number(later)];
  return one && other && one[1] === other[1] && Number(other[2] ?? 1) > Number(one[2] ?? 1);
}

export class Trust {
  /** @param {import('./http.mjs').Api} api @param {import('./store.mjs').Store} store @param {(event: object) => void} tell */
  constructor(api, store, tell) {
    Object.assign(this, { api, store, tell });
  }

  get #kept() {
    return this.store.state.log;
  }

  /** Throws Distrust where two checkpoints didn't fit together once: that doesn't pass. */
  insist() {
    if (this.#kept?.distrust) throw new Distrust(UNFIT);
  }

  /** Fetches the newest checkpoint and holds it against the kept one. */
  async look() {
    const { body } = await this.api.request('GET', 'log/checkpoint');
    return this.believe(body.checkpoint, body);
  }

  /**
   * @param {string} note
   * @param {?{vkeys: string[], receipt_vkeys: string[]}} published fetched where it isn't given
   */
  async believe(note, published = null) {
    const { state } = this.store;
    this.insist();
    const keys = published ?? (await this.api.request('GET', 'log/checkpoint')).body;
    const origin = originOf(note);
    const receipts = named(keys.receipt_vkeys, log.receiptName(origin));
    if (!this.#kept) {
      const vkeys = named(keys.vkeys, origin);
      const checkpoint = log.openCheckpoint(note, vkeys);
      // Retired keys are published too: only those that signed this one are believed from now on.
      const signers = vkeys.filter((vkey) => signedBy(note, vkey));
      state.log = { note, vkeys: signers, receipt_vkeys: receipts };
      this.store.save();
      return checkpoint;
    }
    const known =
      origin === originOf(this.#kept.note) ? this.#kept.vkeys : await this.#later(note, origin);
    const candidates = [...new Set([...known, ...named(keys.vkeys, origin)])];
    const checkpoint = log.openCheckpoint(note, candidates);
    const signers = candidates.filter((vkey) => signedBy(note, vkey));
    if (!signers.some((vkey) => known.includes(vkey)))
      throw new log.LogError('no key that was known before has signed this checkpoint');
    if (origin === originOf(this.#kept.note)) await this.#compare(checkpoint);
    if (origin !== originOf(this.#kept.note) || checkpoint.size >= this.#checkpoint().size) {
      state.log = { note, vkeys: [...new Set([...known, ...signers])], receipt_vkeys: receipts };
      this.store.save();
    }
    return checkpoint;
  }

  #checkpoint() {
    return log.openCheckpoint(this.#kept.note, this.#kept.vkeys);
  }

  async #compare(checkpoint) {
    const kept = this.#checkpoint();
    const [older, newer] = kept.size <= checkpoint.size ? [kept, checkpoint] : [checkpoint, kept];
    let fits;
    if (older.size === newer.size) {
      fits = equalText(older.root, newer.root);
    } else if (older.size === 0) {
      fits = equalText(older.root, log.EMPTY_ROOT);
    } else {
      const { body } = await this.api.request(
        'GET',
        `log/consistency?from=${older.size}&to=${newer.size}`,
      );
      fits = log.consistent(
        older.size,
        newer.size,
        body.hashes.map(fromBase64),
        older.root,
        newer.root,
      );
    }
    if (!fits) await this.#alarm(older.note, newer.note);
  }

  async #alarm(older, newer) {
    // First: the server that is accused may never answer.
    this.#kept.distrust = { older, newer };
    this.store.save();
    const verdict = await this.api
      .request('POST', 'log/seen', { body: { checkpoint: older } })
      .then(
        ({ body }) => body,
        (error) => ({ error: error.message }),
      );
    this.#kept.distrust.verdict = verdict;
    this.store.save();
    throw new Distrust(UNFIT);
  }

  /** The keys under their new name, where a restored server declares what was lost. */
  async #later(note, origin) {
    const kept = this.#kept;
    if (!isLater(originOf(kept.note), origin)) await this.#alarm(kept.note, note);
    const { body } = await this.api.request('POST', 'log/seen', {
      body: { checkpoint: kept.note },
    });
    if (!body.lost && !body.consistent) await this.#alarm(kept.note, note);
    this.tell({ event: 'log_restored', lost: body.lost });
    return kept.vkeys.map((vkey) => log.renamed(vkey, origin));
  }

  /** A proof's text, once the server has it under a checkpoint. */
  async #proof(path) {
    for (let tries = 0; tries < PROOF_TRIES; tries += 1) {
      const answer = await this.api.request('GET', path);
      if (answer.status === 200) return answer.body;
      await sleep(Number(answer.headers.get('retry-after') ?? 1) * 1000);
    }
    throw new log.LogError(`no proof yet: ${path}`);
  }

  /** Opens a proof; its checkpoint must fit the kept one. */
  async #open(proof) {
    if (!this.#kept) await this.look();
    const note = proof.slice(proof.indexOf('\n\n') + 2);
    await this.believe(note);
    return log.openProof(proof, this.#kept.vkeys);
  }

  /**
   * That this identity key is the one that was approved for the device.
   * @param {string} deviceId @param {Buffer} identityKey
   * @param {?{index: ?number, leaf: string}} position the bundle's `log`
   */
  async checkIdentity(deviceId, identityKey, position = null) {
    const opened = await this.#open(await this.#proof(`devices/${deviceId}/enrolment-proof`));
    log.checkApproval(opened, deviceId, identityKey);
    if (
      position &&
      (position.leaf !== base64(opened.leaf) || ![null, opened.index].includes(position.index))
    ) {
      throw new log.LogError("the bundle's place in the log isn't that of the proof");
    }
    return { index: opened.index, compared: opened.what.data.compared };
  }

  /** @param {string} note @param {string} acceptedAt */
  async checkReceipt(note, acceptedAt) {
    if (!this.#kept) await this.look();
    const open = () => log.openReceipt(note, this.#kept.receipt_vkeys, originOf(this.#kept.note));
    let receipt;
    try {
      receipt = open();
    } catch {
      await this.look();
      receipt = open();
    }
    if (receipt.acceptedAt !== acceptedAt)
      throw new log.LogError("the receipt's time isn't the answer's");
    return receipt;
  }

  /** The proof of a message that this device sent; its leaf is the receipt's. */
  async messageProof(
    messageId,
    { commitment = null, receipt: receiptNote = null, acceptedAt = null } = {},
  ) {
    const opened = await this.#open(await this.#proof(`messages/${messageId}/proof`));
    log.checkMessage(opened, messageId, commitment);
    if (receiptNote) {
      const receipt = await this.checkReceipt(receiptNote, acceptedAt);
      if (!equalText(receipt.leaf, opened.leaf))
        throw new log.LogError("the proof's leaf isn't the receipt's");
    }
    return opened;
  }

  /** 404 `no_checkpoint` in the first minute of an organisation is no fault. */
  async lookIfThere() {
    try {
      return await this.look();
    } catch (error) {
      if (error instanceof Refused && error.code === 'no_checkpoint') return null;
      throw error;
    }
  }
}

function signedBy(note, vkey) {
  const [name, id] = vkey.split('+');
  return note.split('\n').some((line) => {
    const [dash, signer, blob] = line.split(' ');
    return (
      dash === '\u2014' && signer === name && fromBase64(blob).subarray(0, 4).toString('hex') === id
    );
  });
}
