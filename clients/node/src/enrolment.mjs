/** From an invitation to a device that waits for its approval. */
import { base64, fromBase64 } from './bytes.mjs';
import { setClock } from './clock.mjs';
import { Refused } from './http.mjs';
import { asBytes, makeFirstKeys, uploadForm } from './keyring.mjs';
import { enrolmentMessage, fingerprint } from './signed.mjs';
import { sign } from './xeddsa.mjs';

/** @param {string} link `<base URL>/i/#<token>` */
export function readLink(link) {
  const cut = link.indexOf('/i/#');
  if (cut < 0 || !link.slice(cut + 4)) throw new Error('not the link of an invitation');
  return { baseUrl: link.slice(0, cut), token: link.slice(cut + 4) };
}

export class Enrolment {
  /**
   * @param {import('./http.mjs').Api} api
   * @param {import('./store.mjs').Store} store
   * @param {{name: string, platform: string, ask: (question: string) => Promise<string>, tell: (event: object) => void}} how
   */
  constructor(api, store, how) {
    Object.assign(this, { api, store, ...how });
  }

  get #state() {
    return this.store.state;
  }

  /** @param {?string} token of the link; null goes on with what is on disk */
  async run(token) {
    const state = this.#state;
    if (state.device_id) return;
    if (!state.identity) makeFirstKeys(state);
    if (!state.onboarding?.id) await this.#open(token ?? state.onboarding?.token);
    if (!state.onboarding.session_token) await this.#provePhone();
    await this.#proveSecondFactor();
    await this.#register();
  }

  async #open(token) {
    const state = this.#state;
    if (!token) throw new Error('no invitation: give its link');
    const config = await this.api.request('GET', 'config', { token: 'none' });
    state.config = config.body;
    setClock(state, config.body.server_time);
    state.onboarding = { token };
    this.store.save();
    const { body } = await this.api.request('POST', 'onboarding', {
      token: 'none',
      body: { invitation_token: token },
    });
    state.organisation = body.organisation;
    Object.assign(state.onboarding, { id: body.id, phone_hint: body.phone_hint, ...body.session });
    this.store.save();
    this.tell({
      event: 'invitation_opened',
      organisation: body.organisation.name,
      kind: body.kind,
      phone_hint: body.phone_hint,
    });
  }

  async #provePhone() {
    const { onboarding } = this.#state;
    for (;;) {
      const code = (await this.ask(`Code sent to ${onboarding.phone_hint}:`)).trim();
      try {
        const { body } = await this.api.request('POST', `onboarding/${onboarding.id}/phone`, {
          token: 'none',
          body: { code },
          again: false,
        });
        Object.assign(onboarding, body);
        this.store.save();
        return;
      } catch (error) {
        if (error.code !== 'code_wrong') {
          // A code serves once: after a lost answer the invitation is opened again.
          if (!(error instanceof Refused) || error.code === 'onboarding_state') {
            onboarding.id = null;
            this.store.save();
          }
          throw error;
        }
        this.tell({ event: 'code_wrong', attempts_left: error.problem.attempts_left });
      }
    }
  }

  async #proveSecondFactor() {
    const { onboarding } = this.#state;
    const step = onboarding.steps.find((one) => one.step === 'totp' && one.required);
    if (!step) return;
    const path = `onboarding/${onboarding.id}/totp`;
    const token = onboarding.session_token;
    if (step.set_up) {
      const { body } = await this.api.request('POST', path, { token });
      this.tell({ event: 'second_factor', otpauth_url: body.otpauth_url });
    }
    const code = (await this.ask('Code of the authenticator:')).trim();
    await this.api.request('PUT', path, { token, body: { code } });
    onboarding.steps = onboarding.steps.filter((one) => one !== step);
    this.store.save();
  }

  async #register() {
    const state = this.#state;
    const { onboarding } = state;
    const identity = asBytes(state.identity);
    if (!onboarding.body) {
      onboarding.body = {
        name: this.name,
        platform: this.platform,
        registration_id: state.registration_id,
        identity_key: state.identity.public,
        signed_pre_key: uploadForm(state.spk.current),
        one_time_pre_keys: state.opks.map(uploadForm),
        proof: base64(sign(identity.private, enrolmentMessage(onboarding.id, identity.public))),
      };
      this.store.save();
    }
    const { body } = await this.api.request('POST', `onboarding/${onboarding.id}/device`, {
      token: onboarding.session_token,
      body: onboarding.body,
    });
    state.device_id = body.device_id;
    state.membership_id = body.membership_id;
    state.status = body.status;
    for (const one of state.opks) one.status = 'uploaded';
    this.store.save();
    const own = this.fingerprint();
    if (body.fingerprint !== own)
      throw new Error('the server shows another fingerprint: the key was exchanged on its way');
    this.tell({ event: 'registered', device_id: body.device_id, fingerprint: own });
  }

  fingerprint() {
    return fingerprint(fromBase64(this.#state.identity.public), this.#state.device_id);
  }

  /** @param {boolean} wait until somebody has decided */
  async standing(wait) {
    const state = this.#state;
    for (;;) {
      const { body } = await this.api.request('GET', `onboarding/${state.onboarding.id}`, {
        token: state.onboarding.session_token,
      });
      if (body.status !== state.status) {
        state.status = body.status;
        if (body.status === 'approved') state.onboarding = null;
        this.store.save();
        this.tell({ event: body.status, reason: body.reason || undefined });
      }
      if (!wait || body.poll_after === null || body.status === 'approved') return body;
      await new Promise((resolve) => setTimeout(resolve, body.poll_after * 1000));
    }
  }
}
