/** The server's clock: ages of keys count by it. */
export const now = (state) => Date.now() + state.clock_offset_ms;
export const setClock = (state, serverTime) => {
  state.clock_offset_ms = Date.parse(serverTime) - Date.now();
};
export const HOUR = 3600_000;
