import type { Component } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';
import { renderFigures } from '../../figures/agent-figures.ts';
import { WebService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { settings, directories, logger, events, board, clock } = parts;
  return new WebService({
    web: settings.web,
    site: directories.site,
    maxConnections: settings.limits.webConnections,
    cache: settings.limits.webCache,
    clock,
    logger,
    events,
    status: () => board.now,
    figures: () =>
      renderFigures({
        database: parts.database?.database.stats,
        residentMemory: process.memoryUsage.rss(),
        uptime: process.uptime(),
      }),
  });
}
