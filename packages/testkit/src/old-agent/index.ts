export { type HttpAnswer, requestBytes } from './http-call.ts';
export { type LifeOptions, lifeOf, pollDelay } from './life.ts';
export { blankMemory, type OldAgentMemory, type OldProvision } from './memory.ts';
export type { OldDeviceFile, OldItem } from './messages.ts';
export { type CloseReason, SILENCE } from './mqtt-connection.ts';
export { OldAgent, type OldAgentEvents, type OldAgentOptions } from './old-agent.ts';
export { LONGEST_PACKET } from './packet-reader.ts';
