import { expect, it } from 'vitest';
import { watchEndpoint } from './endpoint-metrics.ts';
import { Metrics } from './metrics.ts';

/** Every field of `MqttCounters`, each with a number of its own. */
const COUNTERS = {
  connections: 101,
  sessions: 102,
  retainedMessages: 103,
  queuedBytes: 114,
  queueOwners: 3,
  connectsAccepted: 104,
  connectsRefused: 105,
  takeovers: 106,
  publishesReceived: 107,
  publishesSent: 108,
  pubacksReceived: 109,
  messagesDropped: 110,
  commitsFailed: 111,
  violations: { maxPayloadSize: 112 },
  disconnects: { CLIENT_ERROR: 113 },
};

it('everything that the endpoint counts is in the metrics', async () => {
  const metrics = new Metrics();
  watchEndpoint(metrics, () => COUNTERS);
  const text = await metrics.registry.metrics();
  for (let number = 101; number <= 113; number += 1)
    expect(text).toMatch(new RegExp(`^ioto_mqtt_\\S+ ${number}$`, 'm'));
  expect(text).toContain('ioto_mqtt_limit_exceeded_total{limit="maxPayloadSize"} 112');
  expect(text).toContain('ioto_mqtt_disconnects_total{reason="CLIENT_ERROR"} 113');
});
