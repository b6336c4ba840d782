/** Requests: time-outs, repeats, waiting, refusals, and one renewal of the token. */

const CONNECT_AND_ANSWER_MS = 15_000;
const MARKED_MS = 30_000;
const TRIES = 5;
const WAIT_AT_MOST_S = 30;
const USER_AGENT = 'SemaFore/1.0.0 node-device';
const MARKED = /^POST (key-bundles\/claim|rooms\/[^/]+\/messages|broadcasts\/[^/]+\/envelopes)$/;

/** A refusal of the server: branch on `status` and `code`. */
export class Refused extends Error {
  constructor(status, problem) {
    super(`${status} ${problem.code ?? ''}: ${problem.detail ?? ''}`.trim());
    this.status = status;
    this.code = problem.code ?? '';
    this.problem = problem;
  }
}

/** No answer, or none that says anything, after all tries. */
export class Unreachable extends Error {}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Api {
  /**
   * @param {string} baseUrl
   * @param {{token?: () => Promise<string>, renew?: (old: string) => Promise<string>,
   *   lose?: RegExp, crash?: RegExp, trace?: (line: string) => void}} [options] `lose`, for tests:
   *   the first answer to a request that fits is thrown away, as a network would; `crash`: this
   *   process is killed when it comes
   */
  constructor(baseUrl, options = {}) {
    this.baseUrl = baseUrl;
    this.options = options;
    this.notBefore = 0;
    this.lose = options.lose ?? null;
  }

  /**
   * @param {string} method @param {string} path after /api/mobile/
   * @param {{body?: object, token?: 'device' | 'none' | string, key?: string, again?: boolean}} [how]
   *   `again`: whether the request may be repeated where its answer is lost
   * @returns {Promise<{status: number, body: any, headers: Headers}>}
   */
  async request(method, path, { body, token = 'device', key, again = true } = {}) {
    let renewed = false;
    let bearer = token === 'device' ? await this.options.token() : token === 'none' ? null : token;
    for (let tries = 0; ; tries += 1) {
      await this.#wait();
      let answer = null;
      let failure;
      try {
        answer = await this.#once(method, path, body, bearer, key);
      } catch (error) {
        failure = error;
      }
      this.options.trace?.(`${method} ${path} -> ${answer ? answer.status : failure.message}`);
      if (answer && answer.status < 400) return answer;
      const problem = answer?.body && typeof answer.body === 'object' ? answer.body : {};
      const lost = !answer || [500, 502, 504].includes(answer.status);
      if (
        answer?.status === 401 &&
        token === 'device' &&
        !renewed &&
        ['token_invalid', 'token_expired'].includes(problem.code)
      ) {
        renewed = true;
        bearer = await this.options.renew(bearer);
        continue;
      }
      const after = Number(problem.retry_after ?? answer?.headers.get('retry-after') ?? Number.NaN);
      const told = answer && [429, 503].includes(answer.status) && Number.isFinite(after);
      if (told) this.notBefore = Date.now() + after * 1000 * (1 + Math.random() / 10);
      if (tries + 1 >= TRIES || (!told && !(lost && again)) || (told && after > WAIT_AT_MOST_S)) {
        if (answer) throw new Refused(answer.status, problem);
        throw new Unreachable(`${method} ${path}: ${failure.message}`);
      }
      if (lost) await sleep(Math.random() * Math.min(60, 0.5 * 2 ** (tries + 1)) * 1000);
    }
  }

  async #wait() {
    const left = this.notBefore - Date.now();
    if (left > 0) await sleep(left);
  }

  async #once(method, path, body, bearer, key) {
    const name = `${method} ${path.split('?', 1)[0]}`;
    const headers = {
      'User-Agent': USER_AGENT,
      Accept: 'application/json, text/plain, application/problem+json',
    };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    if (key) headers['Idempotency-Key'] = key;
    const response = await fetch(`${this.baseUrl}/api/mobile/${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(MARKED.test(name) ? MARKED_MS : CONNECT_AND_ANSWER_MS),
    });
    const text = await response.text();
    if (this.options.crash?.test(name)) process.kill(process.pid, 'SIGKILL');
    if (this.lose?.test(name)) {
      this.lose = null;
      throw new Error('the answer was lost, for a test');
    }
    const json = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: json && text ? JSON.parse(text) : text,
    };
  }
}
