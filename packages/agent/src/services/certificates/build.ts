import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { Asking } from './asking.ts';
import { RenewalFiles } from './renewal-files.ts';
import { CertificateService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { clock, logger, events, provisionFile, settings, serverTime } = parts;
  const { id, key } = need(parts.identity, 'register');
  const mqtt = need(parts.mqtt, 'mqtt');
  const topics = need(parts.topics, 'mqtt');
  const connection = {
    subscribe: (filters: readonly string[]) => mqtt.subscribe(filters),
    publish: mqtt.publish,
  };
  const asking = new Asking({ clock, id, timeout: settings.timeouts.api, connection });
  const service = new CertificateService({
    ...{ clock, logger, events, provisionFile, settings, id, asking },
    identityKey: key.privateKey,
    files: new RenewalFiles(parts),
    now: () => serverTime.now(),
    reconnect: (reason) => mqtt.disconnect(reason),
  });
  for (const root of ['$aws/certificates/', '$aws/provisioning-templates/']) {
    topics.add(root, (topic, payload) => asking.answered(topic, payload));
  }
  mqtt.addUser({ connected: () => service.connected(), disconnected: () => service.disconnected() });
  parts.renewal = service;
  return service;
}
