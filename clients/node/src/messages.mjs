/** Sending and receiving: what is on disk before what leaves the device. */
import crypto from 'node:crypto';

import { base64, fromBase64 } from './bytes.mjs';
import { commitment, pad, unpad } from './content.mjs';
import { Refused, Unreachable } from './http.mjs';
import { Duplicate } from './ratchet.mjs';
import { random } from './primitives.mjs';
import { beginSession, hasSession, open, seal } from './sessions.mjs';
import { Distrust } from './trust.mjs';
import { checkBundle, SUITE } from './x3dh.mjs';

const REPAIRS = 5;
const CLAIM_MAX = 100;
const ACK_MAX = 256;
const CLAIM_LIFETIME_MS = 24 * 3600_000;

const same = (one, other) => String(one).toLowerCase() === String(other).toLowerCase();

export class Messages {
  /**
   * @param {import('./http.mjs').Api} api @param {import('./store.mjs').Store} store
   * @param {{directory: object, trust: object, tell: (event: object) => void}} parts
   */
  constructor(api, store, parts) {
    Object.assign(this, { api, store, ...parts });
  }

  get #state() {
    return this.store.state;
  }

  /** Writes a text to the outbox, and sends what is there. @returns {Promise<string>} message id */
  async send(roomId, text) {
    const item = {
      message_id: crypto.randomUUID(),
      room_id: roomId,
      text,
      commitment_key: base64(random(32)),
    };
    this.#state.outbox.push(item);
    this.store.save();
    await this.flush();
    return item.message_id;
  }

  async flush() {
    while (this.#state.outbox.length) await this.#sendOne(this.#state.outbox[0]);
  }

  async #sendOne(item) {
    let devices = this.#state.rooms[item.room_id]
      ? this.directory.deviceSet(item.room_id)
      : await this.directory.room(item.room_id);
    for (let repairs = 0; ; repairs += 1) {
      devices = await this.#ready(devices);
      const padded = pad({
        message_id: item.message_id,
        room_id: item.room_id,
        text: item.text,
        commitment_key: item.commitment_key,
      });
      const envelopes = devices.map((id) => ({
        device_id: id,
        registration_id: this.#state.peers[id].registration_id,
        suite: SUITE,
        ...seal(this.#state, id, padded),
      }));
      this.store.save();
      const body = {
        message_id: item.message_id,
        commitment: commitment(item.commitment_key, item.text),
        envelopes,
      };
      try {
        const answer = await this.api.request('POST', `rooms/${item.room_id}/messages`, { body });
        return await this.#sent(item, answer.body);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        devices = await this.#repair(error, item, devices, repairs);
      }
    }
  }

  async #repair(error, item, devices, repairs) {
    const state = this.#state;
    if (error.code === 'message_id_conflict') {
      item.message_id = crypto.randomUUID();
      this.store.save();
      return devices;
    }
    if (error.code === 'device_set_mismatch' && repairs < REPAIRS) {
      const { missing, extra, stale } = error.problem;
      this.tell({
        event: 'device_set_mismatch',
        message_id: item.message_id,
        missing,
        extra,
        stale,
      });
      // A bundle doesn't say whose the device is; the room does.
      if (missing.some((id) => !state.peers[id]?.membership_id))
        await this.directory.room(item.room_id);
      for (const id of missing) if (state.peers[id]) state.peers[id].left_out = false;
      for (const id of stale) state.peers[id].begin_anew = true;
      return [...new Set([...devices.filter((id) => !extra.includes(id)), ...missing])];
    }
    if ([404, 410, 413].includes(error.status) || error.code === 'device_set_mismatch') {
      state.outbox = state.outbox.filter((one) => one !== item);
      state.messages[item.message_id] = {
        direction: 'out',
        room_id: item.room_id,
        text: item.text,
        not_sent: error.code,
      };
      this.store.save();
    }
    throw error;
  }

  async #sent(item, { accepted_at, receipt, skipped }) {
    const state = this.#state;
    const about = {
      direction: 'out',
      room_id: item.room_id,
      text: item.text,
      commitment_key: item.commitment_key,
      accepted_at,
      receipt,
      skipped,
      readable: true,
    };
    try {
      about.receipt_fine = Boolean(await this.trust.checkReceipt(receipt, accepted_at));
    } catch (error) {
      if (error instanceof Distrust) throw error;
      about.receipt_fine = false;
      this.tell({ event: 'receipt_not_right', message_id: item.message_id, why: error.message });
    }
    state.messages[item.message_id] = about;
    state.outbox = state.outbox.filter((one) => one !== item);
    this.store.save();
    this.tell({
      event: 'sent',
      message_id: item.message_id,
      room_id: item.room_id,
      accepted_at,
      receipt_fine: about.receipt_fine,
      skipped,
    });
    return about;
  }

  /** Sessions for all that need one. @returns {Promise<string[]>} the devices that can be written to */
  async #ready(devices) {
    const state = this.#state;
    const wanted = (id) => !hasSession(state, id) || state.peers[id]?.begin_anew;
    const claim = devices.filter((id) => wanted(id) && !state.peers[id]?.left_out);
    const gone = new Set();
    for (let at = 0; at < claim.length; at += CLAIM_MAX) {
      for (const { device_id: id, bundle, error } of await this.#claimMany(
        claim.slice(at, at + CLAIM_MAX),
      )) {
        if (bundle) await this.#begin(bundle);
        else if (error.code === 'spk_expired')
          state.peers[id] = { ...state.peers[id], left_out: true };
        else if (error.code === 'not_found') gone.add(id);
        else if (!hasSession(state, id)) throw new Refused(429, error);
        if (error) this.tell({ event: 'not_claimed', device_id: id, code: error.code });
      }
      state.claims = [];
    }
    const reached = devices.filter((id) => !gone.has(id) && hasSession(state, id));
    const vouched = [];
    for (const id of reached) if (await this.#vouched(id)) vouched.push(id);
    return vouched;
  }

  /** Whoever spoke first was never claimed: the log is asked before the first answer. */
  async #vouched(id) {
    const peer = this.#state.peers[id];
    if (peer.proven) return true;
    try {
      peer.proven = await this.trust.checkIdentity(id, fromBase64(peer.identity_key));
    } catch (error) {
      // It is gone, or the log never heard of it.
      if (error instanceof Refused && error.status === 404) return false;
      throw error;
    }
    this.store.save();
    return true;
  }

  /** The claim's key, on disk with its devices before the first try; it goes with the sessions' write. */
  #claimKey(devices) {
    const state = this.#state;
    const fits = (one) =>
      one.devices.join() === devices.join() && Date.now() - one.at < CLAIM_LIFETIME_MS;
    let intention = state.claims.find(fits);
    if (!intention) {
      intention = { key: crypto.randomUUID(), devices, at: Date.now() };
      state.claims = [intention];
      this.store.save();
    }
    return intention.key;
  }

  async #claimMany(ids) {
    const devices = [...ids].sort();
    const { body } = await this.api.request('POST', 'key-bundles/claim', {
      body: { device_ids: devices },
      key: this.#claimKey(devices),
    });
    return body.results;
  }

  /** Checks a bundle, its identity key against what is known and the log, and begins a session. */
  async #begin(raw) {
    const state = this.#state;
    const bundle = checkBundle(raw);
    const known = state.peers[raw.device_id];
    if (known?.identity_key && known.identity_key !== raw.identity_key) {
      throw new Error(
        `another identity key for device ${raw.device_id}: an attack or a broken server`,
      );
    }
    let proven = known?.proven ?? null;
    if (!proven)
      proven = await this.trust.checkIdentity(raw.device_id, bundle.identity, raw.log ?? {});
    state.peers[raw.device_id] = {
      ...known,
      identity_key: raw.identity_key,
      registration_id: raw.registration_id,
      proven,
      begin_anew: false,
      left_out: false,
    };
    beginSession(state, bundle);
    return bundle;
  }

  /** One claim by hand: agrees on a secret, which the next message uses. */
  async claim(deviceId) {
    const key = this.#claimKey([deviceId]);
    const { body } = await this.api.request('POST', `key-bundles/${deviceId}/claim`, { key });
    await this.#begin(body);
    this.#state.claims = [];
    this.store.save();
    return body;
  }

  /**
   * Everything that waits.
   * @param {boolean} reverse for tests: the newest of each answer first
   * @returns {Promise<number>} how many envelopes came
   */
  async fetch(reverse = false) {
    let came = 0;
    for (let more = true; more;) {
      const { body } = await this.api.request('GET', 'mailbox?limit=64');
      for (const envelope of reverse ? body.envelopes.reverse() : body.envelopes)
        await this.take(envelope);
      await this.acknowledge(body.envelopes.map((one) => one.envelope_id));
      came += body.envelopes.length;
      more = body.more;
    }
    return came;
  }

  async acknowledge(ids) {
    for (let at = 0; at < ids.length; at += ACK_MAX) {
      await this.api.request('POST', 'mailbox/ack', {
        body: { envelope_ids: ids.slice(at, at + ACK_MAX) },
      });
    }
  }

  /** Decrypts one envelope and writes it; whoever calls acknowledges it afterwards. */
  async take(envelope) {
    const state = this.#state;
    const { message_id, room_id, sender_device_id: sender, accepted_at } = envelope;
    if (state.messages[message_id]?.readable) return;
    const about = {
      direction: 'in',
      room_id,
      sender_device_id: sender,
      accepted_at,
      readable: false,
    };
    try {
      if (envelope.suite !== SUITE) throw new Error(`another suite: ${envelope.suite}`);
      if (!state.peers[sender]?.identity_key) await this.directory.sync();
      const result = open(state, envelope, state.peers[sender]?.identity_key ?? null);
      if (result.identity && !state.peers[sender]?.identity_key) {
        const proven = await this.trust.checkIdentity(sender, result.identity);
        state.peers[sender] = { identity_key: base64(result.identity), proven };
      }
      result.keep();
      const content = unpad(result.text);
      if (!same(content.message_id, message_id) || !same(content.room_id, room_id)) {
        throw new Error('the message was made for another room or under another id');
      }
      Object.assign(about, {
        readable: true,
        text: content.text,
        commitment_key: content.commitment_key,
      });
    } catch (error) {
      // These say nothing of the envelope: it comes again.
      if (
        error instanceof Distrust ||
        error instanceof Unreachable ||
        (error instanceof Refused && error.status !== 404)
      )
        throw error;
      if (error instanceof Duplicate) {
        this.tell({ event: 'duplicate', message_id });
        return;
      }
      about.why = error.message;
      state.peers[sender] = { ...state.peers[sender], begin_anew: true };
    }
    state.messages[message_id] = about;
    this.store.save();
    const name = state.members[state.peers[sender]?.membership_id]?.name ?? null;
    this.tell({
      event: about.readable ? 'message' : 'unreadable',
      message_id,
      room_id,
      from: name,
      sender_device_id: sender,
      accepted_at,
      text: about.text,
      why: about.why,
    });
  }

  /** A sent message's proof, against its receipt and the kept checkpoint. */
  async proof(messageId) {
    const about = this.#state.messages[messageId];
    return this.trust.messageProof(
      messageId,
      about && {
        commitment: commitment(about.commitment_key, about.text),
        receipt: about.receipt,
        acceptedAt: about.accepted_at,
      },
    );
  }
}
