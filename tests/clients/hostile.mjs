/** What the device of clients/node believes where the server lies: no network, an Api that is told. */
import crypto from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const from = (name) =>
  import(pathToFileURL(path.join(process.argv[2], 'src', `${name}.mjs`)).href);
const [{ Distrust, Trust }, { Messages }, { Refused }, { secured }, ratchet, primitives] =
  await Promise.all(
    ['trust', 'messages', 'http', 'socket', 'ratchet', 'primitives'].map(from),
  );

const ORIGIN = 'chat.example/log/one';
const sha256 = (...parts) => primitives.sha256(...parts);

function makeSigner() {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const blob = Buffer.concat([Buffer.from([1]), raw]);
  const id = sha256(Buffer.from(`${ORIGIN}\n`), blob).subarray(0, 4);
  const line = (text) => {
    const signature = Buffer.concat([id, crypto.sign(null, Buffer.from(text), privateKey)]);
    return `\u2014 ${ORIGIN} ${signature.toString('base64')}\n`;
  };
  return { vkey: `${ORIGIN}+${id.toString('hex')}+${blob.toString('base64')}`, line };
}

function checkpoint(size, root, ...signers) {
  const text = `${ORIGIN}\n${size}\n${root.toString('base64')}\n`;
  return `${text}\n${signers.map((one) => one.line(text)).join('')}`;
}

const outcome = (act) =>
  act().then(
    () => 'believed',
    (error) => (error instanceof Distrust ? 'distrusted' : error.message),
  );

function watcher(vkeys, answer = () => ({ body: {} })) {
  const saved = [];
  const store = {
    state: { log: null },
    save: () => saved.push(JSON.stringify(store.state)),
  };
  const api = { request: async (method, route) => answer(method, route, saved) };
  const trust = new Trust(api, store, () => {});
  const published = { vkeys, receipt_vkeys: [] };
  return { saved, store, show: (note) => outcome(() => trust.believe(note, published)), trust };
}

async function retiredKeys() {
  const [retired, current] = [makeSigner(), makeSigner()];
  const { show, store } = watcher([retired.vkey, current.vkey]);
  const root = sha256(Buffer.from('tree'));
  const first = await show(checkpoint(1, root, current));
  const kept = store.state.log.vkeys.length;
  return { first, kept, alone: await show(checkpoint(1, root, retired)) };
}

async function splitView() {
  const signer = makeSigner();
  let before;
  const { saved, show, store, trust } = watcher([signer.vkey], (_method, route, writes) => {
    if (route !== 'log/seen') return { body: {} };
    before = writes.at(-1).includes('"distrust"');
    throw new Refused(500, {});
  });
  const [one, other] = ['one', 'other'].map((name) =>
    checkpoint(1, sha256(Buffer.from(name)), signer),
  );
  const shown = [await show(one), await show(other), await show(one)];
  const { older, newer } = store.state.log.distrust;
  return {
    shown,
    kept: [older, newer].sort().join() === [one, other].sort().join(),
    before,
    written: saved.at(-1).includes('"distrust"'),
    later: await outcome(async () => trust.insist()),
  };
}

async function empty() {
  const signer = makeSigner();
  const root = sha256(Buffer.from('tree'));
  const shown = {};
  for (const [name, other] of [
    ['right', sha256(Buffer.alloc(0))],
    ['wrong', root],
  ]) {
    const { show } = watcher([signer.vkey]);
    await show(checkpoint(2, root, signer));
    shown[name] = await show(checkpoint(0, other, signer));
  }
  return shown;
}

/** Two texts to a device that spoke first: how often the log was asked, and what left. */
async function answers(checkIdentity) {
  const peer = primitives.makeKeyPair();
  const session = ratchet.initiate(crypto.randomBytes(32), crypto.randomBytes(8), peer.public);
  const state = {
    outbox: [],
    rooms: { room: {} },
    messages: {},
    claims: [],
    peers: { ghost: { identity_key: peer.public.toString('base64'), registration_id: 1 } },
    sessions: { ghost: [{ ephemeral: '', header: null, begun: false, ratchet: session }] },
  };
  const sent = [];
  let asked = 0;
  const api = {
    request: async (_method, _route, { body }) => {
      sent.push(body.envelopes.length);
      return { body: { accepted_at: '', receipt: '', skipped: [] } };
    },
  };
  const trust = {
    checkReceipt: async () => true,
    checkIdentity: async () => {
      asked += 1;
      return checkIdentity();
    },
  };
  const directory = { deviceSet: () => ['ghost'] };
  const messages = new Messages(
    api,
    { state, save: () => {} },
    { directory, trust, tell: () => {} },
  );
  const said = [];
  for (const text of ['one', 'two']) said.push(await outcome(() => messages.send('room', text)));
  return { asked, sent, said };
}

console.log(
  JSON.stringify({
    retiredKeys: await retiredKeys(),
    splitView: await splitView(),
    empty: await empty(),
    vouched: await answers(() => ({ index: 1, compared: 'in_person' })),
    unknown: await answers(() => {
      throw new Refused(404, { code: 'not_found' });
    }),
    exchanged: await answers(() => {
      throw new Error('another identity key was approved');
    }),
    sockets: await Promise.all(
      [
        ['wss://events.example/ws/mobile', 'https://chat.example'],
        ['ws://127.0.0.1:8001/ws/mobile', 'http://127.0.0.1:8000'],
        ['ws://events.example/ws/mobile', 'https://chat.example'],
      ].map(([url, base]) => outcome(async () => secured(url, base))),
    ),
  }),
);
