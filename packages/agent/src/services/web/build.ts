import type { Component } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';
import { expandPath } from '../../config-loading/directories.ts';
import { invalid } from '../../config-loading/settings.ts';
import { renderFigures } from '../../figures/agent-figures.ts';
import { WebService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { settings, directories, locate, logger, events, board, clock } = parts;
  const { web } = settings;
  return new WebService({
    ...{ web, clock, logger, events },
    documents: expandPath(web.documents, directories),
    cache: settings.limits.webCache,
    complain: (path, problem) => invalid(['web', ...path], locate, problem),
    status: () => board.now,
    figures: () =>
      renderFigures({
        database: parts.database?.database.stats,
        residentMemory: process.memoryUsage.rss(),
        uptime: process.uptime(),
      }),
  });
}
