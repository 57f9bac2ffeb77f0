export type { ConnackRefusal, ConnectPacket, Packet, ProtocolLevel, Qos, Will } from './codec/packets.ts';
export type { Properties } from './codec/properties.ts';
export { REASON, type ReasonCode } from './codec/reason-codes.ts';
export type { MqttCounters } from './server/counters.ts';
export type {
  Authentication,
  ConnectedFacts,
  ConnectionInfo,
  DeliveryDialect,
  DisconnectedFacts,
  DisconnectReason,
  LimitExceeded,
  MqttHooks,
  ReceivedPublish,
  SubscriptionFacts,
} from './server/hooks.ts';
export { defaultLimits, type MqttLimits } from './server/limits.ts';
export {
  type DeliverOptions,
  MqttServer,
  type MqttServerOptions,
  type PublishOptions,
  type RetainedMessage,
} from './server/mqtt-server.ts';
export type { TakenPublish } from './server/take-publish.ts';
export { MemorySessionStore } from './session/memory-session-store.ts';
export type { DeliveryOutcome, Message, MessageProperties } from './session/message.ts';
export type {
  SessionChange,
  SessionStore,
  StoredDelivery,
  StoredSession,
  StoredState,
} from './session/session-store.ts';
export type { Subscription } from './session/subscription.ts';
