import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { readCredentials } from './credentials.ts';
import { Requests } from './requests.ts';
import { isReleaseFresh, makeRouter, parseThrottle } from './router.ts';
import { MqttService } from './service.ts';
import { TopicTable } from './topic-table.ts';

export function build(parts: AgentParts): Component {
  const { clock, logger, events, settings, provisionFile, serverTime } = parts;
  const { id } = need(parts.identity, 'register');
  const requests = new Requests({ clock, id, timeout: settings.timeouts.api });
  const topics = new TopicTable();
  const mqtt = new MqttService({
    clock,
    logger,
    events,
    settings: settings.mqtt,
    maxMessage: settings.limits.message,
    traffic: parts.options.traffic,
    receive: makeRouter({
      logger,
      id,
      accountId: () => provisionFile.record.accountId ?? '',
      sync: async (verb, payload) => parts.sync?.receive(verb, payload),
      release: async (payload) => {
        if (isReleaseFresh(payload, serverTime.now())) await parts.link?.release('message');
        else logger.info({}, 'ignored a release that is older than ten seconds');
      },
      throttle: (payload) => throttle(parts, payload),
      answered: (request, n, payload) => requests.answered(request, n, payload),
      topics,
    }),
  });
  mqtt.addUser(requests);
  parts.mqtt = mqtt;
  parts.ask = requests.ask;
  parts.topics = topics;
  parts.connecting = {
    connect: async (signal) => {
      const candidate = await parts.renewal?.candidate();
      const end = await mqtt.connect({ ...(await readCredentials(parts, id)), ...candidate }, signal);
      const again = await parts.renewal?.ended(end, candidate !== undefined);
      // A link whose connection was ended connects again at once, and judges nothing by it.
      return again ? { ...end, kind: 'ended' } : end;
    },
    disconnect: (reason) => mqtt.disconnect(reason),
  };
  return mqtt;
}

/** How long changes stay on the device after the cloud asked for less, in milliseconds. */
const THROTTLE_PAUSE = 30_000;

function throttle({ events, sync, metricSender, link }: AgentParts, payload: Buffer): void {
  const message = parseThrottle(payload);
  if (!message) return;
  sync?.pause(THROTTLE_PAUSE);
  metricSender?.pause(THROTTLE_PAUSE);
  if (message.close) link?.banish();
  events.emit('mqtt:throttled', { pause: THROTTLE_PAUSE, close: message.close });
}
