/** Rooms, people and their devices, by the feed of changes. */
import { Refused } from './http.mjs';

const PAGE = 200;

async function* pages(api, path) {
  for (let cursor = null; ;) {
    const { body } = await api.request(
      'GET',
      `${path}?limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
    );
    yield* body.results;
    cursor = body.next;
    if (cursor === null) return;
  }
}

/** Keeps what this client knows of a peer beside what the server says. */
export function notePeer(state, device) {
  const before = state.peers[device.id];
  if (before && before.identity_key !== device.identity_key) {
    throw new Error(`another identity key for device ${device.id}: an attack or a broken server`);
  }
  state.peers[device.id] = {
    ...before,
    membership_id: device.membership_id,
    registration_id: device.registration_id,
    identity_key: device.identity_key,
    gone: false,
  };
}

export class Directory {
  /** @param {import('./http.mjs').Api} api @param {import('./store.mjs').Store} store */
  constructor(api, store) {
    Object.assign(this, { api, store });
  }

  get #state() {
    return this.store.state;
  }

  async sync() {
    if (this.#state.cursor === null) return this.#first();
    for (;;) {
      let page;
      try {
        page = (
          await this.api.request('GET', `changes?cursor=${encodeURIComponent(this.#state.cursor)}`)
        ).body;
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== 'cursor_expired') throw error;
        return this.#first();
      }
      this.#apply(page);
      this.#state.cursor = page.cursor;
      this.store.save();
      if (!page.more) return undefined;
    }
  }

  async #first() {
    const { cursor } = (await this.api.request('GET', 'changes')).body;
    const rooms = {};
    const members = {};
    for await (const room of pages(this.api, 'rooms')) rooms[room.id] = room;
    for await (const member of pages(this.api, 'members')) {
      for (const device of member.devices) notePeer(this.#state, device);
      members[member.id] = { ...member, devices: undefined };
    }
    Object.assign(this.#state, { rooms, members, cursor });
    this.store.save();
  }

  #apply(page) {
    const state = this.#state;
    for (const room of page.rooms.changed) state.rooms[room.id] = room;
    for (const id of page.rooms.removed) delete state.rooms[id];
    for (const member of page.members.changed) state.members[member.id] = member;
    for (const id of page.members.removed) delete state.members[id];
    for (const device of page.devices.changed) notePeer(state, device);
    for (const id of page.devices.removed) {
      if (state.peers[id]) state.peers[id].gone = true;
      delete state.sessions[id];
    }
  }

  /** The devices that a message to the room must reach, as far as they are known here. */
  deviceSet(roomId) {
    const state = this.#state;
    const people = new Set(state.rooms[roomId].members.map((one) => one.id));
    return Object.entries(state.peers)
      .filter(
        ([id, peer]) => id !== state.device_id && !peer.gone && people.has(peer.membership_id),
      )
      .map(([id]) => id);
  }

  /** Asks for a room, and what it says of devices. */
  async room(roomId) {
    const { body } = await this.api.request('GET', `rooms/${roomId}`);
    const devices = body.members.flatMap((member) => member.devices);
    for (const device of devices)
      if (device.id !== this.#state.device_id) notePeer(this.#state, device);
    this.#state.rooms[roomId] = {
      ...body,
      members: body.members.map(({ id, role, since }) => ({ id, role, since })),
    };
    this.store.save();
    return devices.map((device) => device.id).filter((id) => id !== this.#state.device_id);
  }
}
