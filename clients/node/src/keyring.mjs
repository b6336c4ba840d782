/** The device's own keys: made, published, rotated, replenished, compared, deleted. */
import { base64, fromBase64 } from './bytes.mjs';
import { HOUR, now } from './clock.mjs';
import { Refused } from './http.mjs';
import { makeKeyPair, random } from './primitives.mjs';
import { digest, signedPreKeyMessage } from './signed.mjs';
import { sign } from './xeddsa.mjs';

const BATCH = 100;
const MARK = 50;
const ENVELOPE_MAX_AGE_HOURS = 720;
const ROTATE_BEFORE_HOURS = 24;

const stored = (pair) => ({ private: base64(pair.private), public: base64(pair.public) });

/** A stored pair as bytes. */
export const asBytes = (pair) => ({
  private: fromBase64(pair.private),
  public: fromBase64(pair.public),
});

function makeSignedPreKey(state, keyId) {
  const pair = makeKeyPair();
  const signature = sign(fromBase64(state.identity.private), signedPreKeyMessage(pair.public));
  state.spk.highest = keyId;
  return { key_id: keyId, ...stored(pair), signature: base64(signature) };
}

/** `status`: pending (no answer yet), uploaded, gone (claimed or withdrawn). */
function makeOneTimePreKeys(state, count, above = 0) {
  const first = Math.max(state.opk_highest, above) + 1;
  for (let id = first; id < first + count; id += 1) {
    state.opks.push({ key_id: id, ...stored(makeKeyPair()), status: 'pending' });
  }
  state.opk_highest = first + count - 1;
}

export function makeFirstKeys(state) {
  state.identity = stored(makeKeyPair());
  state.registration_id = 1 + (random(4).readUInt32BE() % 16380);
  state.spk = { current: null, pending: null, superseded: [], highest: 0 };
  state.spk.current = makeSignedPreKey(state, 1);
  state.opks = [];
  state.opk_highest = 0;
  makeOneTimePreKeys(state, BATCH);
}

export const uploadForm = (one) => ({
  key_id: one.key_id,
  public_key: one.public,
  ...(one.signature && { signature: one.signature }),
});

/** The private halves that a first message names; null where one is no longer here. */
export function namedKeys(state, spkId, opkId) {
  const { current, pending, superseded } = state.spk;
  const spk = [current, pending, ...superseded].find((one) => one?.key_id === spkId);
  const opk = opkId ? state.opks.find((one) => one.key_id === opkId) : null;
  if (!spk || (opkId && !opk)) return null;
  return { spk: asBytes(spk), opk: opk && asBytes(opk) };
}

export const forgetOneTimePreKey = (state, keyId) => {
  state.opks = state.opks.filter((one) => one.key_id !== keyId);
};

export class Keyring {
  /** @param {import('./http.mjs').Api} api @param {import('./store.mjs').Store} store @param {(event: object) => void} tell */
  constructor(api, store, tell) {
    Object.assign(this, { api, store, tell });
  }

  get #state() {
    return this.store.state;
  }

  get #path() {
    return `key-bundles/${this.#state.device_id}`;
  }

  async status() {
    return (await this.api.request('GET', this.#path)).body;
  }

  /** Rotates, finishing a rotation whose answer was lost first. */
  async rotate(above = 0) {
    const state = this.#state;
    if (!state.spk.pending) {
      state.spk.pending = makeSignedPreKey(state, Math.max(state.spk.highest, above) + 1);
      this.store.save();
    }
    const { pending } = state.spk;
    let status;
    try {
      status = (
        await this.api.request('PUT', `${this.#path}/signed-pre-key`, { body: uploadForm(pending) })
      ).body;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 409 && error.code === 'key_reused') {
        state.spk.superseded.push({ ...pending, superseded_at: now(state) });
      } else if (
        !(error.status === 409 && error.code === 'key_id_conflict') &&
        error.status !== 422
      ) {
        throw error;
      }
      state.spk.pending = null;
      this.store.save();
      throw error;
    }
    state.spk.superseded.push({ ...state.spk.current, superseded_at: now(state) });
    state.spk.current = pending;
    state.spk.pending = null;
    this.store.save();
    this.tell({
      event: 'rotated',
      key_id: pending.key_id,
      expires_at: status.signed_pre_key.expires_at,
    });
    return status;
  }

  /** Uploads what was made and never answered, unchanged; then fills up to the mark. */
  async replenish(status, mark = MARK) {
    await this.#uploadPending();
    let latest = status ?? (await this.status());
    this.#note(latest);
    const missing = mark - latest.one_time_pre_keys.available;
    if (missing > 0) {
      makeOneTimePreKeys(
        this.#state,
        Math.min(missing, BATCH),
        latest.one_time_pre_keys.highest_key_id,
      );
      this.store.save();
      latest = (await this.#uploadPending()) ?? latest;
      this.tell({ event: 'replenished', available: latest.one_time_pre_keys.available });
    }
    return latest;
  }

  async withdraw() {
    const { body } = await this.api.request('DELETE', `${this.#path}/one-time-pre-keys`);
    this.#note(body);
    return body;
  }

  async #uploadPending() {
    const state = this.#state;
    const pending = state.opks.filter((one) => one.status === 'pending').slice(0, BATCH);
    if (!pending.length) return null;
    try {
      const body = {
        identity_key: state.identity.public,
        one_time_pre_keys: pending.map(uploadForm),
      };
      const { body: status } = await this.api.request('PUT', this.#path, { body });
      for (const one of pending) one.status = 'uploaded';
      this.#note(status);
      return status;
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'key_id_conflict') throw error;
      for (const id of error.problem.key_ids) forgetOneTimePreKey(state, id);
      this.store.save();
      return null;
    }
  }

  /** Notes which one-time pre-keys are gone from the status, and deletes what is too old. */
  #note(status) {
    const state = this.#state;
    const ranges = status.one_time_pre_keys.available_ranges;
    const available = (id) => ranges.some(([first, last]) => first <= id && id <= last);
    for (const one of state.opks) {
      if (one.status === 'uploaded' && !available(one.key_id))
        Object.assign(one, { status: 'gone', gone_at: now(state) });
    }
    const grace = (state.config.spk_grace_period_hours + ENVELOPE_MAX_AGE_HOURS) * HOUR;
    const age = state.config.spk_max_age_hours * HOUR;
    state.spk.superseded = state.spk.superseded.filter(
      (one) => now(state) - one.superseded_at < grace,
    );
    state.opks = state.opks.filter(
      (one) => one.status !== 'gone' || now(state) - one.gone_at < age + grace,
    );
    this.store.save();
  }

  /**
   * Looks at the status as a device does at its start and daily: compares, repairs, rotates,
   * replenishes.
   */
  async tend() {
    await this.#uploadPending();
    if (this.#state.spk.pending)
      await this.rotate().catch(this.#unless('key_reused', 'key_id_conflict'));
    let status = await this.#reconcile(await this.status());
    const left = Date.parse(status.signed_pre_key.expires_at) - now(this.#state);
    if (left < ROTATE_BEFORE_HOURS * HOUR) status = await this.rotate();
    return this.replenish(status);
  }

  #unless(...codes) {
    return (error) => {
      if (!codes.includes(error.code)) throw error;
    };
  }

  /** What keys.md says where device and server don't agree on the bundle. */
  async #reconcile(status) {
    const state = this.#state;
    if (status.identity_key !== state.identity.public)
      throw new Error('the server holds another identity key for this device');
    const held = new Map(state.opks.map((one) => [one.key_id, one]));
    const highest = status.one_time_pre_keys.highest_key_id;
    const answered = state.opks.filter((one) => one.status === 'uploaded' && one.key_id > highest);
    if (answered.length) {
      for (const one of answered) Object.assign(one, { status: 'gone', gone_at: now(state) });
      this.store.save();
      this.tell({ event: 'keys_forgotten_by_server', key_ids: answered.map((one) => one.key_id) });
    }
    const ids = status.one_time_pre_keys.available_ranges.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, at) => from + at),
    );
    if (ids.some((id) => !held.has(id))) {
      this.tell({ event: 'keys_not_held', key_ids: ids.filter((id) => !held.has(id)) });
      return this.#reconcile(await this.withdraw());
    }
    if (status.signed_pre_key.key_id !== state.spk.current.key_id) {
      this.tell({
        event: 'signed_pre_key_differs',
        server: status.signed_pre_key.key_id,
        own: state.spk.current.key_id,
      });
      return this.rotate(status.signed_pre_key.key_id);
    }
    const own = digest(
      fromBase64(state.identity.public),
      { key_id: state.spk.current.key_id, public: fromBase64(state.spk.current.public) },
      ids.map((id) => ({ key_id: id, public: fromBase64(held.get(id).public) })),
    );
    if (base64(own) !== status.digest)
      throw new Error('the same key ids and another digest: a public key was exchanged');
    return status;
  }
}
