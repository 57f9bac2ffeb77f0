import type { ServerResponse } from 'node:http';
import type { Action } from '../actions/action-table.ts';
import type { Admission } from '../auth/gate.ts';
import type { WebRequest } from './web-request.ts';

/**
 * Answers a request that was let in.
 *
 * @throws errors of `webError` and others with a status, which the site answers with.
 */
export type Handler = (
  request: WebRequest,
  response: ServerResponse,
  admission: Admission,
  action: Action | undefined,
) => void | Promise<void>;

/** Loads a part at its first use, once; one that cannot be loaded is tried again. */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}
