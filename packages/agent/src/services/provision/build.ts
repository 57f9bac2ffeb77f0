import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { ProvisionService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { events, provisionFile, serverTime } = parts;
  const { id, key, api } = need(parts.identity, 'register');
  parts.provision = new ProvisionService({
    ...{ events, api, id, provisionFile },
    privateKey: key.privateKey,
    now: () => serverTime.now(),
  });
  return parts.provision;
}
