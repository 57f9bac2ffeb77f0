import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { makeAwsFetch } from './aws-fetch.ts';
import { credentialSource } from './credential-source.ts';
import { KeysService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { serverTime, clock, events, random, logger, provisionFile, settings } = parts;
  const { id, api } = need(parts.identity, 'register');
  const { fetch } = need(parts.url, 'url');
  const source = credentialSource({ id, api, fetch, serverTime, provisionFile, settings: settings.keys });
  const keys = new KeysService({ source, serverTime, clock, events, random, logger });
  parts.keys = keys;
  parts.awsFetch = makeAwsFetch({ keys, fetch, serverTime });
  return keys;
}
