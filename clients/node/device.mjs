#!/usr/bin/env node
/** A device in a terminal. Each event is one JSON object on a line of its own. */
import readline from 'node:readline';
import { parseArgs } from 'node:util';

import { setClock } from './src/clock.mjs';
import { Directory } from './src/directory.mjs';
import { Enrolment, readLink } from './src/enrolment.mjs';
import { Api, Refused, Unreachable } from './src/http.mjs';
import { Keyring } from './src/keyring.mjs';
import { Messages } from './src/messages.mjs';
import { NotAdmitted, SignIn } from './src/sign-in.mjs';
import { secured, Socket } from './src/socket.mjs';
import { Store } from './src/store.mjs';
import { Trust } from './src/trust.mjs';

const USAGE = `node device.mjs --state FILE COMMAND
  enrol [LINK] [--name NAME] [--platform ios|android|desktop] [--no-wait]
                     a new device; without a link, go on with one that was begun
  status             where the device stands, its fingerprint, its key bundle
  claim DEVICE       claim a key bundle, check it, agree on a secret
  rotate             a new signed pre-key
  replenish [COUNT]  fill the one-time pre-keys up
  withdraw           the one-time pre-keys that nobody claimed
  link               a link for a second device of this person
  revoke DEVICE      one of the person's own devices
  rooms              rooms and people
  talk MEMBERSHIP    the direct room with somebody
  send ROOM TEXT     a text to everybody's devices in a room
  receive [--once]   what waits; without --once, again every 30 seconds
  watch              hold the socket, and do what it says
  proof MESSAGE      a sent message's proof, against receipt and checkpoint
options: --trace; for tests: --lose REGEXP (the first answer to a fitting "METHOD path" is lost),
  --crash REGEXP (killed when it comes), --reverse (receive: the newest first),
  --spoil-token (the first token is a wrong one); SIGUSR2 cuts the socket of watch`;

const POLL_MS = 30_000;
const DAY_MS = 24 * 3600_000;

const options = {
  state: { type: 'string' },
  name: { type: 'string', default: 'Node device' },
  platform: { type: 'string', default: 'desktop' },
  'no-wait': { type: 'boolean', default: false },
  once: { type: 'boolean', default: false },
  trace: { type: 'boolean', default: false },
  lose: { type: 'string' },
  crash: { type: 'string' },
  'spoil-token': { type: 'boolean', default: false },
  reverse: { type: 'boolean', default: false },
};

const tell = (event) => console.log(JSON.stringify(event));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const lines = { reader: null, waiting: null };

/** Asks on stderr, reads a line of stdin. */
async function ask(question) {
  lines.reader ??= readline.createInterface({ input: process.stdin });
  lines.waiting ??= lines.reader[Symbol.asyncIterator]();
  process.stderr.write(`${question} `);
  const { value, done } = await lines.waiting.next();
  if (done) throw new Error('no answer on stdin');
  return value;
}

/** Everything of one device, over one state file. */
class Device {
  /** @param {Store} store */
  constructor(store, values) {
    this.store = store;
    this.values = values;
    this.signIn = new SignIn(store);
    if (values['spoil-token']) this.signIn.spoil();
    this.api = new Api(store.state.base_url, {
      token: () => this.signIn.token(),
      renew: (old) => this.signIn.renew(old),
      lose: values.lose ? new RegExp(values.lose) : null,
      crash: values.crash ? new RegExp(values.crash) : null,
      trace: values.trace ? (line) => process.stderr.write(`${line}\n`) : undefined,
    });
    this.signIn.api = this.api;
    this.trust = new Trust(this.api, store, tell);
    this.directory = new Directory(this.api, store);
    this.keyring = new Keyring(this.api, store, tell);
    this.messages = new Messages(this.api, store, {
      directory: this.directory,
      trust: this.trust,
      tell,
    });
    this.enrolment = new Enrolment(this.api, store, {
      name: values.name,
      platform: values.platform,
      ask,
      tell,
    });
  }

  get state() {
    return this.store.state;
  }

  /** What every command of an approved device begins with. */
  async start() {
    if (!this.state.device_id) throw new Error('this state has no device: enrol first');
    this.trust.insist();
    const { body } = await this.api.request('GET', 'config', { token: 'none' });
    this.state.config = body;
    setClock(this.state, body.server_time);
    if (this.state.status !== 'approved') {
      await this.signIn.token();
      this.state.status = 'approved';
    }
    this.store.save();
  }

  async enrol(token) {
    await this.enrolment.run(token);
    tell({
      event: 'fingerprint',
      device_id: this.state.device_id,
      fingerprint: this.enrolment.fingerprint(),
    });
    if (this.state.onboarding) await this.enrolment.standing(!this.values['no-wait']);
    if (this.state.status !== 'approved') return;
    await this.start();
    await this.trust.lookIfThere();
    await this.keyring.tend();
    await this.directory.sync();
    tell({ event: 'ready', device_id: this.state.device_id });
  }

  async status() {
    const about = {
      event: 'status',
      status: this.state.status,
      device_id: this.state.device_id,
      organisation: this.state.organisation,
    };
    if (this.state.device_id && this.state.identity)
      about.fingerprint = this.enrolment.fingerprint();
    if (this.state.onboarding?.session_token && this.state.device_id) {
      about.standing = await this.enrolment.standing(false);
      about.status = this.state.status;
    }
    if (
      this.state.device_id &&
      !['awaiting_approval', 'denied', 'wiped'].includes(this.state.status)
    ) {
      await this.start();
      about.status = this.state.status;
      about.bundle = await this.keyring.tend();
      const checkpoint = await this.trust.lookIfThere();
      about.checkpoint = checkpoint && { origin: checkpoint.origin, size: checkpoint.size };
      about.me = (await this.api.request('GET', 'me')).body;
    }
    tell(about);
  }

  async rooms() {
    await this.directory.sync();
    const { state } = this;
    for (const room of Object.values(state.rooms)) {
      const people = room.members.map((one) => state.members[one.id]?.name ?? one.id);
      tell({
        event: 'room',
        room_id: room.id,
        kind: room.kind,
        name: room.name,
        status: room.status,
        people,
        devices: this.directory.deviceSet(room.id),
      });
    }
    for (const { id, name, kind } of Object.values(state.members)) {
      const devices = Object.entries(state.peers)
        .filter(([, peer]) => peer.membership_id === id && !peer.gone)
        .map(([device]) => device);
      tell({ event: 'member', membership_id: id, name, kind, devices });
    }
  }

  async talk(membershipId) {
    const { body } = await this.api.request('POST', 'rooms', {
      body: { kind: 'direct', members: [membershipId] },
    });
    await this.directory.room(body.id);
    tell({ event: 'room', room_id: body.id, kind: body.kind });
  }

  async receive() {
    await this.messages.flush();
    for (let looked = 0; ; ) {
      try {
        if (Date.now() - looked > DAY_MS) {
          await this.trust.lookIfThere();
          looked = Date.now();
        }
        await this.messages.fetch(this.values.reverse);
        if (this.values.once) return;
        await this.directory.sync();
        await this.keyring.tend();
      } catch (error) {
        if (!(error instanceof Unreachable) || this.values.once) throw error;
        tell({ event: 'interrupted', message: error.message });
      }
      await sleep(POLL_MS);
    }
  }

  async proof(messageId) {
    const opened = await this.messages.proof(messageId);
    tell({
      event: 'proof',
      message_id: messageId,
      index: opened.index,
      size: opened.checkpoint.size,
      origin: opened.checkpoint.origin,
      what: opened.what,
      withheld: opened.fields.withheld,
    });
  }

  async watch() {
    const socket = new Socket(secured(this.state.config.events_url, this.state.base_url), {
      token: () => this.signIn.token(),
      renew: () => this.signIn.renew(null),
      take: (frame) => this.#take(frame),
      tell,
    });
    const stop = () => socket.stop();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    process.on('SIGUSR2', () => socket.drop());
    await socket.run();
  }

  /** One frame; answers the id of an envelope to acknowledge. */
  async #take(frame) {
    if (frame.type === 'envelope') {
      await this.messages.take(frame);
      return frame.envelope_id;
    }
    tell({ event: 'frame', ...frame, checkpoint: undefined });
    switch (frame.type) {
      case 'hello':
        setClock(this.state, frame.server_time);
        await this.directory.sync();
        await this.messages.flush().catch((error) => {
          if (!(error instanceof Refused) || error.status >= 500) throw error;
          tell({ event: 'not_sent', message: error.message, code: error.code });
        });
        break;
      case 'changes':
        await this.directory.sync();
        break;
      case 'key_bundle.replenishment_needed':
        await this.keyring.replenish(null);
        break;
      case 'key_bundle.rotation_due':
      case 'key_bundle.signed_pre_key_expired':
        await this.keyring.rotate();
        break;
      case 'device.reachable':
        if (this.state.peers[frame.device_id]) this.state.peers[frame.device_id].left_out = false;
        this.store.save();
        break;
      case 'log.checkpoint': {
        const { size } = await this.trust.believe(frame.checkpoint);
        tell({ event: 'checkpoint_fits', size });
        break;
      }
      case 'maintenance.scheduled':
        this.state.config = (await this.api.request('GET', 'config', { token: 'none' })).body;
        tell({ event: 'maintenance', maintenance: this.state.config.maintenance });
        break;
      default:
    }
    return null;
  }
}

async function run(device, command, args) {
  if (command === 'enrol') return device.enrol(args[0] ? readLink(args[0]).token : null);
  if (command === 'status') return device.status();
  await device.start();
  switch (command) {
    case 'claim': {
      const bundle = await device.messages.claim(args[0]);
      const { proven } = device.state.peers[args[0]];
      return tell({
        event: 'claimed',
        device_id: args[0],
        registration_id: bundle.registration_id,
        signed_pre_key: bundle.signed_pre_key.key_id,
        one_time_pre_key: bundle.one_time_pre_key?.key_id ?? null,
        log: bundle.log,
        proven,
      });
    }
    case 'rotate':
      return device.keyring.rotate((await device.keyring.status()).signed_pre_key.key_id);
    case 'replenish':
      return tell({
        event: 'bundle',
        ...(await device.keyring.replenish(null, args[0] ? Number(args[0]) : undefined)),
      });
    case 'withdraw':
      return tell({ event: 'bundle', ...(await device.keyring.withdraw()) });
    case 'link': {
      const { body } = await device.api.request('POST', 'devices/link-token');
      return tell({
        event: 'link',
        link: `${device.state.base_url}/i/#${body.link_token}`,
        expires_at: body.expires_at,
      });
    }
    case 'revoke':
      await device.api.request('DELETE', `devices/${args[0]}`);
      return tell({ event: 'revoked', device_id: args[0] });
    case 'rooms':
      return device.rooms();
    case 'talk':
      return device.talk(args[0]);
    case 'send':
      return device.messages.send(args[0], args[1]);
    case 'receive':
      return device.receive();
    case 'watch':
      return device.watch();
    case 'proof':
      return device.proof(args[0]);
    default:
      throw new Error(USAGE);
  }
}

const WANTED = { claim: 1, revoke: 1, send: 2, proof: 1, talk: 1 };

async function main() {
  const {
    values,
    positionals: [command, ...args],
  } = parseArgs({ options, allowPositionals: true });
  if (!values.state || !command || args.length < (WANTED[command] ?? 0)) {
    console.error(USAGE);
    return 2;
  }
  const store = new Store(values.state);
  store.open();
  process.once('exit', () => store.close());
  try {
    if (command === 'enrol' && args[0]) {
      const { baseUrl } = readLink(args[0]);
      if (store.state.device_id || (store.state.base_url && store.state.base_url !== baseUrl))
        throw new Error('this state has a device already');
      store.state.base_url = baseUrl;
    }
    await run(new Device(store, values), command, args);
    return 0;
  } catch (error) {
    const problem =
      error instanceof Refused || error instanceof NotAdmitted
        ? { status: error.status, ...error.problem }
        : {};
    tell({
      event: 'error',
      message: error.message,
      code: problem.code,
      status: problem.status,
      retry_after: problem.retry_after,
    });
    if (values.trace) console.error(error);
    return 1;
  } finally {
    lines.reader?.close();
  }
}

process.exitCode = await main();
