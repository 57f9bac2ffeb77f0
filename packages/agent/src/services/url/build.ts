import type { Component } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';
import { expandPath } from '../../config-loading/directories.ts';
import { readPem } from '../../config-loading/needed.ts';
import { UrlService } from './service.ts';

export async function build(parts: AgentParts): Promise<Component> {
  const { clock, settings, directories } = parts;
  const { authority } = settings.tls;
  parts.url = new UrlService({
    clock,
    authority: authority && (await readPem(expandPath(authority, directories), 'tls.authority')),
    timeout: settings.timeouts.api,
    limit: settings.limits.answer,
    traffic: parts.options.traffic,
  });
  return parts.url;
}
