import type { OldItem } from './messages.ts';

/** What the register and provision answers left behind, blended. */
export interface OldProvision {
  api?: string;
  token?: string;
  accountId?: string;
  certificate?: string;
  key?: string;
  endpoint?: string;
  port?: number;
  [property: string]: unknown;
}

/** What survives a reboot: hand it to the next `OldAgent` to switch the device on again. */
export interface OldAgentMemory {
  provision: OldProvision;
  items: Map<string, OldItem>;
  /** Changes that no SYNC has acknowledged, by sort key. */
  pending: Map<string, { cmd: string; item: OldItem }>;
  /** Milliseconds since the epoch of the last sync down. */
  lastSync: number;
}

export function blankMemory(): OldAgentMemory {
  return { provision: {}, items: new Map(), pending: new Map(), lastSync: 0 };
}
