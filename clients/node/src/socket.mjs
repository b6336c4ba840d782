/** The socket: frames one after the other, acks in batches, reconnecting with full jitter. */
import WebSocket from 'ws';

import { Refused, Unreachable } from './http.mjs';

const SILENCE_MS = 60_000;
const ACK_AFTER_MS = 200;
const ACK_MAX = 256;
const WAIT_LEAST_MS = 1000;
const WINDOW_FIRST_MS = 4000;
const WINDOW_MAX_MS = 60_000;

/** Whether waiting and trying again may help. */
const passes = (error) =>
  error instanceof Unreachable ||
  (error instanceof Refused && (error.status >= 500 || error.status === 429));

/** `events_url` may name another host, but speaks TLS where the base URL does. */
export function secured(url, baseUrl) {
  if (new URL(baseUrl).protocol === 'https:' && new URL(url).protocol !== 'wss:')
    throw new Error('the server names a socket without TLS');
  return url;
}

export class Socket {
  #acks = [];
  #timer = null;
  #ending = null;

  /**
   * @param {string} url `events_url` of `GET config`
   * @param {{token: () => Promise<string>, renew: () => Promise<string>,
   *   take: (frame: object) => Promise<?string>, tell: (event: object) => void}} how
   *   `take` answers the id of an envelope that is safe on disk
   */
  constructor(url, how) {
    Object.assign(this, { url, how });
    this.queue = Promise.resolve();
  }

  /** Holds a socket until `stop`, a 4409, or a refusal that ends the device. */
  async run() {
    let window = WINDOW_FIRST_MS;
    while (!this.#ending) {
      let heard = false;
      let code = 1006;
      try {
        code = await this.#hold(await this.how.token(), () => {
          heard = true;
        });
        if (this.#ending) return;
        this.how.tell({ event: 'closed', code });
        if (code === 4409) return;
        if (code === 4401 || code === 4408) await this.how.renew();
      } catch (error) {
        if (!passes(error)) throw error;
        this.how.tell({ event: 'interrupted', message: error.message });
      }
      window = heard ? WINDOW_FIRST_MS : Math.min(window * 2, WINDOW_MAX_MS);
      await this.#pause(WAIT_LEAST_MS + Math.random() * (window - WAIT_LEAST_MS));
    }
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #hold(token, heard) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.url, {
        headers: { Authorization: `Bearer ${token}` },
        perMessageDeflate: false,
        handshakeTimeout: 15_000,
      });
      this.socket = socket;
      let silence;
      let failure = null;
      const alive = () => {
        clearTimeout(silence);
        silence = setTimeout(() => socket.terminate(), SILENCE_MS);
      };
      alive();
      socket.on('ping', alive);
      socket.on('message', (data, binary) => {
        alive();
        heard();
        if (binary) return;
        const frame = JSON.parse(data.toString('utf8'));
        this.queue = this.queue
          .then(() => this.#take(frame, socket))
          .catch((error) => {
            failure ??= error;
            socket.terminate();
          });
      });
      // `close` follows, and says it with 1006.
      socket.on('error', () => {});
      socket.on('close', (code) => {
        clearTimeout(silence);
        this.queue.then(() => (failure ? reject(failure) : resolve(code)));
      });
    });
  }

  async #take(frame, socket) {
    const id = await this.how.take(frame);
    if (!id) return;
    this.#acks.push(id);
    const send = () => {
      const envelope_ids = this.#acks.splice(0, ACK_MAX);
      clearTimeout(this.#timer);
      this.#timer = null;
      if (envelope_ids.length && socket.readyState === WebSocket.OPEN)
        socket.send(JSON.stringify({ type: 'ack', envelope_ids }));
    };
    if (this.#acks.length >= ACK_MAX / 4) send();
    else this.#timer ??= setTimeout(send, ACK_AFTER_MS);
  }

  /** For tests: ends the connection as a network would. */
  drop() {
    this.socket?.terminate();
  }

  async stop() {
    this.#ending = true;
    await new Promise((resolve) => setTimeout(resolve, ACK_AFTER_MS * 2));
    this.wake?.();
    this.socket?.close(1000);
  }
}
