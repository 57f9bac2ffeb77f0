import { parseDeviceTopic, type SyncVerb } from '@ioto/protocol';
import type { Logger } from '@ioto/runtime';
import type { TopicTable } from './topic-table.ts';

export interface RouterOptions {
  logger: Logger;
  id: string;
  /** The present owner. */
  accountId: () => string;
  sync(verb: SyncVerb, payload: Buffer): Promise<void>;
  release(payload: Buffer): Promise<void>;
  throttle(payload: Buffer): void;
  answered(request: string, n: string, payload: Buffer): void;
  /** Who takes what the contract has no topic of its own for. */
  topics: Pick<TopicTable, 'find'>;
}

/** Hands each message to the service that it is for. What nobody knows is acknowledged and dropped. */
export function makeRouter(options: RouterOptions): (topic: string, payload: Buffer) => Promise<void> {
  const { logger, id, accountId, sync, release, throttle, answered, topics } = options;
  return async (topic, payload) => {
    const message = parseDeviceTopic(topic, id, accountId());
    switch (message?.kind) {
      case 'sync':
        return sync(message.verb, payload);
      case 'release':
        return release(payload);
      case 'throttle':
        return throttle(payload);
      case 'answer':
        return answered(message.request, message.n, payload);
      default: {
        const handler = topics.find(topic);
        if (handler) return handler(topic, payload);
        logger.debug({ topic }, 'dropped a message on a topic that no service knows');
      }
    }
  };
}

/** A release older than this is a leftover of an earlier one; milliseconds (Ioto contract §7). */
const STALE_RELEASE = 10_000;

/** Whether a release message, a time in milliseconds as text, is of now. */
export function isReleaseFresh(payload: Buffer, now: number): boolean {
  const text = payload.toString('utf8').trim();
  return /^\d{1,16}(\.\d+)?$/.test(text) && now - Number(text) < STALE_RELEASE;
}

/** `close` of a throttle message; undefined for one that is no JSON object. */
export function parseThrottle(payload: Buffer): { close: boolean } | undefined {
  try {
    const value = JSON.parse(payload.toString('utf8')) as { close?: unknown } | null;
    return typeof value === 'object' && value !== null ? { close: value.close === true } : undefined;
  } catch {
    return undefined;
  }
}
