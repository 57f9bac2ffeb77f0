/** What can happen to the server in a run, in the order of the numbers that stand for it in a reproduction. */
export const DEEDS = [
  'open',
  'send',
  'vanish',
  'end',
  'stall',
  'readOn',
  'acknowledge',
  'passTime',
  'serverPublishes',
  'serverDelivers',
  'serverDisconnects',
  'serverDropsSession',
  'settle',
] as const;

export type Deed = (typeof DEEDS)[number];

/** One step of a run: whose, what, and with which bytes. */
export interface Step {
  deed: Deed;
  /** Which of the clients, 0 to 3. */
  client: number;
  bytes: Buffer;
}

export const CLIENTS = 4;

/** A script as bytes, so that it can be printed, mutated and replayed. */
export function encodeScript(steps: readonly Step[]): Buffer {
  return Buffer.concat(
    steps.flatMap(({ deed, client, bytes }) => [
      Buffer.from([DEEDS.indexOf(deed), client, bytes.length >> 8, bytes.length & 255]),
      bytes,
    ]),
  );
}

/** The inverse of `encodeScript`; any bytes at all are some script. */
export function decodeScript(bytes: Buffer): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const [deed = 0, client = 0] = bytes.subarray(at, at + 2);
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    steps.push({
      deed: DEEDS[deed % DEEDS.length] as Deed,
      client: client % CLIENTS,
      bytes: bytes.subarray(at + 4, end),
    });
    at = end;
  }
  return steps;
}
