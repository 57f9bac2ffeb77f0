import type { MqttCounters } from '@ioto/mqtt';
import type { Metrics } from './metrics.ts';

type Count = { [K in keyof MqttCounters]: MqttCounters[K] extends number ? K : never }[keyof MqttCounters];

const NOW: readonly [string, Count, string][] = [
  ['ioto_mqtt_connections', 'connections', 'MQTT connections open now'],
  ['ioto_mqtt_sessions', 'sessions', 'MQTT sessions held now, connected or not'],
  ['ioto_mqtt_retained_messages', 'retainedMessages', 'Retained messages held now'],
  ['ioto_mqtt_queued_bytes', 'queuedBytes', 'Bytes of memory, about, that messages in sessions take now'],
];

const TOTALS: readonly [string, Count, string][] = [
  ['ioto_mqtt_connects_accepted_total', 'connectsAccepted', 'Devices that were let in'],
  ['ioto_mqtt_connects_refused_total', 'connectsRefused', 'Devices that were refused at CONNECT'],
  ['ioto_mqtt_takeovers_total', 'takeovers', 'Connections replaced by a later one of the same device'],
  ['ioto_mqtt_received_total', 'publishesReceived', 'Messages from devices'],
  ['ioto_mqtt_sent_total', 'publishesSent', 'Messages to devices'],
  ['ioto_mqtt_acknowledged_total', 'pubacksReceived', 'Messages that devices acknowledged'],
  ['ioto_mqtt_dropped_total', 'messagesDropped', 'Messages that a session had no room for, or ended with it'],
  [
    'ioto_mqtt_commits_failed_total',
    'commitsFailed',
    'Commits of sessions to disk that failed and were tried again',
  ],
];

const KINDS: readonly [string, 'violations' | 'disconnects', string, string][] = [
  ['ioto_mqtt_limit_exceeded_total', 'violations', 'limit', 'What clients did beyond a limit, by limit'],
  ['ioto_mqtt_disconnects_total', 'disconnects', 'reason', 'Connections that ended, by reason'],
];

/** Shows what the device endpoint counts; zeros while it does not run. */
export function watchEndpoint(metrics: Metrics, counters: () => Readonly<MqttCounters> | undefined): void {
  for (const [name, count, help] of NOW) metrics.gauge(name, help, () => counters()?.[count] ?? 0);
  for (const [name, count, help] of TOTALS) metrics.total(name, help, () => counters()?.[count] ?? 0);
  for (const [name, kind, label, help] of KINDS)
    metrics.totals(name, help, label, () => counters()?.[kind] ?? {});
}
