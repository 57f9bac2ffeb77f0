export { CodedError } from '@ioto/runtime';
export type { Agent, AgentOptions, AgentPhase, AgentStatus, Checkpoint } from './agent.ts';
export type { AgentEvents, CertificateFacts, DeviceCommand, IdSource } from './agent-events.ts';
export { createAgent } from './build-agent.ts';
export { type AgentSettings, agentSchema } from './config.ts';
export type { Metric } from './measuring/metric.ts';
export type { AwsEndpoints, AwsKeys, Keys, LocalImage, UpdateState, Updates } from './service-apis.ts';
export type { UrlAnswer, UrlFetch, UrlRequest } from './services/url/fetch.ts';
export type {
  ActionContext,
  ActionHandler,
  ActionOptions,
  ActionSession,
  EventStream,
  SocketHandler,
  Upload,
  Web,
  WebSocketPeer,
  WebUsers,
} from './services/web/web-api.ts';
export type { Store, StoreValue } from './store.ts';
