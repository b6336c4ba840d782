/** Tokens: a challenge, signed with the identity key. The token is kept in memory alone. */
import { base64, fromBase64 } from './bytes.mjs';
import { Refused } from './http.mjs';
import { challengeMessage } from './signed.mjs';
import { sign } from './xeddsa.mjs';

const RENEW_BEFORE_MS = 30_000;
const TRIES = 3;

/** This device may not sign in (any more); `code` says why. */
export class NotAdmitted extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.code);
    this.code = problem.code;
    this.problem = problem;
  }
}

export class SignIn {
  #token = null;
  #until = 0;

  /** @param {import('./store.mjs').Store} store */
  constructor(store) {
    this.store = store;
    this.api = null;
  }

  async token() {
    if (!this.#token || Date.now() > this.#until - RENEW_BEFORE_MS) await this.#ask();
    return this.#token;
  }

  /** @param {?string} old the one that was refused; null: whichever there is */
  async renew(old) {
    if (old === null || old === this.#token) this.#token = null;
    return this.token();
  }

  /** For tests: a token that no server knows. */
  spoil() {
    this.#token = 'spoilt';
    this.#until = Number.POSITIVE_INFINITY;
  }

  async #ask() {
    const { state } = this.store;
    const device_id = state.device_id;
    for (let tries = 1; ; tries += 1) {
      const { body } = await this.api.request('POST', 'auth/challenge', {
        token: 'none',
        body: { device_id },
      });
      const message = challengeMessage(
        state.base_url,
        fromBase64(body.challenge),
        device_id,
        state.organisation.id,
      );
      const signature = base64(sign(fromBase64(state.identity.private), message));
      try {
        const answer = await this.api.request('POST', 'auth/token', {
          token: 'none',
          again: false,
          body: { device_id, challenge: body.challenge, signature },
        });
        this.#token = answer.body.access_token;
        this.#until = Date.now() + answer.body.expires_in * 1000;
        return;
      } catch (error) {
        if (error instanceof Refused && error.status === 403) this.#refused(error.problem);
        const anew =
          !(error instanceof Refused) || error.code === 'challenge_invalid' || error.status >= 500;
        if (!anew || tries >= TRIES) throw error;
      }
    }
  }

  #refused(problem) {
    if (problem.code === 'access_revoked' && problem.wipe === true) this.store.wipe(problem.detail);
    throw new NotAdmitted(problem);
  }
}
