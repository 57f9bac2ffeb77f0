import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { MetricSender } from '../../measuring/metric-sender.ts';

export function build(parts: AgentParts): Component {
  const { clock, provisionFile } = parts;
  const { id } = need(parts.identity, 'register');
  const sender = new MetricSender({ clock, id, isOurs: () => provisionFile.isCloudOurs });
  need(parts.mqtt, 'mqtt').addUser(sender);
  parts.metricSender = sender;
  // It runs while there is a connection, and is drained before any service stops.
  return { name: 'metrics', start: async () => undefined, stop: async () => undefined };
}
