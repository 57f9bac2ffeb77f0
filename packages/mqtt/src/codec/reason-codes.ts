import { malformed } from '../errors.ts';

/** The reason codes of MQTT 5 (5.0, 2.4) by name. From 0x80 on they are failures. */
export const REASON = {
  success: 0x00,
  disconnectWithWill: 0x04,
  noSubscriptionExisted: 0x11,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

export type ReasonCode = (typeof REASON)[keyof typeof REASON];

const PUBLISH_OUTCOMES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const RELEASE_OUTCOMES = [0x00, 0x92];

/** The codes that each packet may bear (5.0, table 2-6). */
const ALLOWED = {
  connack: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
  ],
  puback: PUBLISH_OUTCOMES,
  pubrec: PUBLISH_OUTCOMES,
  pubrel: RELEASE_OUTCOMES,
  pubcomp: RELEASE_OUTCOMES,
  suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  disconnect: [
    0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96,
    0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
  auth: [0x00, 0x18, 0x19],
} as const satisfies Record<string, readonly number[]>;

export type PacketWithReason = keyof typeof ALLOWED;

const SETS = Object.fromEntries(
  Object.entries(ALLOWED).map(([type, codes]) => [type, new Set<number>(codes)]),
) as unknown as Record<PacketWithReason, ReadonlySet<number>>;

export function isReasonOf(type: PacketWithReason, code: number): boolean {
  return SETS[type].has(code);
}

/** Every code that a packet may bear; for tests. */
export function reasonsOf(type: PacketWithReason): readonly number[] {
  return ALLOWED[type];
}

/** The code itself, or `MQTT_MALFORMED` for one that the packet may not bear. */
export function checkedReason(type: PacketWithReason, code: number): number {
  if (SETS[type].has(code)) return code;
  throw malformed(`${type.toUpperCase()} with reason code 0x${code.toString(16)}`);
}
