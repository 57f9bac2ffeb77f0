import type { Component } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';
import { invalid } from '../../config-loading/settings.ts';
import { renderFigures } from '../../figures/agent-figures.ts';
import { WebService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { settings, directories, locate, logger, events, board, clock } = parts;
  const { web } = settings;
  const service = new WebService({
    ...{ web, directories, clock, logger, events },
    actions: parts.actions,
    provisioned: async () => {
      const pems = await parts.provisionFile.readPems();
      return pems && { cert: pems.certificate, key: pems.key };
    },
    database: () => parts.database?.database,
    cache: settings.limits.webCache,
    complain: (path, problem) => invalid(['web', ...path], locate, problem),
    status: () => board.now,
    known: () =>
      [board.now.id, board.now.name, parts.serialize?.device.product].filter((each) => each !== undefined),
    figures: () =>
      renderFigures({
        database: parts.database?.database.stats,
        residentMemory: process.memoryUsage.rss(),
        uptime: process.uptime(),
      }),
  });
  parts.web = service;
  return service;
}
