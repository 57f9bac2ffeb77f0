import type { ServerResponse } from 'node:http';
import { type Admitted, admitByRole } from '../auth/further-role.ts';
import type { Gate } from '../auth/gate.ts';
import { webError } from '../errors.ts';
import type { Handler } from '../request-path/handlers.ts';
import { type Refusal, sendError, sendRefusal } from '../request-path/send.ts';
import type { ActionHandler } from '../web-api.ts';
import type { WebContext } from '../web-context.ts';
import { Deadlines } from './deadlines.ts';
import { Exchange } from './exchange.ts';

interface Running {
  exchange: Exchange;
  response: ServerResponse;
}

const ONLY_SOCKETS: Refusal = {
  status: 426,
  code: 'WEB_UPGRADE',
  message: 'only WebSockets are answered here',
};

/** Runs the actions of the program. */
export function openActions(context: WebContext, gate: () => Promise<Gate>): Handler {
  const { headers, web, clock, logger, roles } = context;
  const always = Object.entries({ 'cache-control': 'no-store', ...headers }).flat();
  const deadlines = new Deadlines<Running>(web.timeouts.request, clock, ({ exchange, response }) => {
    if (!exchange.giveUp()) return;
    logger.warn({ path: exchange.path }, 'an action did not answer within timeouts.request');
    sendError(webError('WEB_SLOW', 'this takes too long'), response.req, response, headers);
  });

  return (request, response, admission, action) => {
    if (!action?.handler) {
      const upgrade = { upgrade: 'websocket', connection: 'upgrade' };
      return sendRefusal(response, ONLY_SOCKETS, { ...headers, ...upgrade });
    }
    const exchange = new Exchange({ context, action, request, response, admission, always });
    const { handler } = action;
    const value = request.route.validate
      ? validated(exchange, { request, response, admission, action }, handler)
      : handler(exchange);
    if (!isPromise(value)) return exchange.finish(value);
    return settled({ exchange, response }, value);
  };

  /** Between what its signature says of the request and of what it returns. */
  async function validated(exchange: Exchange, admitted: Admitted, handler: ActionHandler): Promise<unknown> {
    const { request } = admitted;
    const signature = (await context.signatures()).of(request);
    if (signature?.role !== undefined) {
      const admission = await admitByRole(signature.role, admitted, { gate, roles });
      if (!admission) return exchange.leave();
      exchange.admit(admission);
    }
    await signature?.admit(request);
    const value = await handler(exchange);
    return signature && !exchange.hasAnswered ? signature.filterResponse(value) : value;
  }

  async function settled(running: Running, value: PromiseLike<unknown>): Promise<void> {
    deadlines.begin(running);
    try {
      running.exchange.finish(await value);
    } catch (error) {
      if (!running.exchange.isOver(error)) throw error;
    } finally {
      deadlines.end(running);
    }
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
