/** The device's state: one file, replaced whole, and a lock for whoever changes it. */
import fs from 'node:fs';
import path from 'node:path';

export class StateLocked extends Error {}

/** @returns {object} the state of a device that doesn't exist yet */
const empty = () => ({
  version: 1,
  base_url: null,
  config: null,
  clock_offset_ms: 0,
  organisation: null,
  onboarding: null,
  identity: null,
  registration_id: null,
  device_id: null,
  membership_id: null,
  status: 'new',
  spk: { current: null, pending: null, superseded: [], highest: 0 },
  opks: [],
  opk_highest: 0,
  peers: {},
  sessions: {},
  claims: [],
  cursor: null,
  rooms: {},
  members: {},
  outbox: [],
  messages: {},
  log: null,
});

export class Store {
  /** @param {string} file */
  constructor(file) {
    this.file = path.resolve(file);
    this.lockFile = `${this.file}.lock`;
    this.state = null;
  }

  /** Takes the lock and reads the state. Throws StateLocked where another process has it. */
  open() {
    this.#lock();
    try {
      this.state = { ...empty(), ...JSON.parse(fs.readFileSync(this.file, 'utf8')) };
    } catch (error) {
      if (error.code !== 'ENOENT') {
        this.close();
        throw error;
      }
      this.state = empty();
    }
    return this.state;
  }

  #lock() {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      try {
        fs.writeFileSync(this.lockFile, String(process.pid), { flag: 'wx', mode: 0o600 });
        this.locked = true;
        return;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = Number(fs.readFileSync(this.lockFile, 'utf8'));
      try {
        process.kill(holder, 0);
      } catch (error) {
        if (error.code === 'ESRCH') {
          fs.rmSync(this.lockFile, { force: true });
          continue;
        }
      }
      throw new StateLocked(`${this.file} is in use by process ${holder}`);
    }
    throw new StateLocked(`${this.file} is in use`);
  }

  /** On disk when this returns: file and directory synced, the old file whole until then. */
  save() {
    const next = `${this.file}.next`;
    const handle = fs.openSync(next, 'w', 0o600);
    try {
      fs.writeSync(handle, JSON.stringify(this.state));
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(next, this.file);
    const directory = fs.openSync(path.dirname(this.file), 'r');
    try {
      fs.fsyncSync(directory);
    } finally {
      fs.closeSync(directory);
    }
  }

  /** What a revocation with `wipe: true` asks for. */
  wipe(reason) {
    const { base_url, organisation, device_id } = this.state;
    this.state = { ...empty(), base_url, organisation, device_id, status: 'wiped', reason };
    this.save();
  }

  close() {
    if (this.locked) fs.rmSync(this.lockFile, { force: true });
    this.locked = false;
  }
}
