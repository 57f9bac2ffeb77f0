import type { Component } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';
import { answerDb } from '../../db-command/answer.ts';
import { checkDbRequest } from '../../db-command/request.ts';
import { DatabaseService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { plan, settings, directories, clock, logger, events } = parts;
  const service = new DatabaseService({
    // Where nothing goes up, nothing may stop because of what waits: it may go up with a later configuration.
    settings: { ...settings.database, ...(!plan.on.has('sync') && { maxQueue: Number.POSITIVE_INFINITY }) },
    maxItemSize: settings.limits.item,
    directories,
    clock,
    logger,
    events,
  });
  parts.database = service;
  parts.control.db = ({ do: _do, ...request }) => answerDb(service.database, checkDbRequest(request));
  return service;
}
