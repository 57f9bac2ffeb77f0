import { CodedError } from '@ioto/runtime';
import { isPlainPath } from '../routing/plain-path.ts';
import type { ActionHandler, ActionOptions, SocketHandler } from '../web-api.ts';
import { checkOptions } from './action-options.ts';

/** What a program has put at a path. */
export interface Action {
  readonly path: string;
  readonly options: ActionOptions;
  /** One of the two. */
  readonly handler?: ActionHandler;
  readonly socket?: SocketHandler;
}

/** The actions of the program by their paths; there before the service is, and while it is not. */
export class ActionTable {
  readonly #exact = new Map<string, Action>();
  /** Those that answer all below their path, longest path first. */
  #prefixes: Action[] = [];
  readonly #listeners = new Set<(action: Action) => void>();

  /** Returns what takes it away again. @throws WEB_ACTION_PATH, WEB_ACTION_OPTIONS, WEB_ACTION_TAKEN */
  add(action: Action): () => void {
    const { path, options } = action;
    if (!isPlainPath(path)) {
      throw new CodedError(
        'WEB_ACTION_PATH',
        `${JSON.stringify(path)} is no path such as '/api/lamp', or '/api/' for all below it`,
      );
    }
    if (/\/:/.test(path)) {
      throw new CodedError(
        'WEB_ACTION_PATH',
        `${JSON.stringify(path)} has a parameter: answer all below its beginning, and read web.rest`,
      );
    }
    checkOptions(path, options);
    if (this.#exact.has(path)) throw new CodedError('WEB_ACTION_TAKEN', `${path} has an action already`);
    this.#exact.set(path, action);
    if (path.endsWith('/')) {
      this.#prefixes = [...this.#prefixes, action].sort((a, b) => b.path.length - a.path.length);
    }
    for (const listener of this.#listeners) listener(action);
    return () => {
      if (this.#exact.get(path) !== action) return;
      this.#exact.delete(path);
      this.#prefixes = this.#prefixes.filter((each) => each !== action);
    };
  }

  /** The action of this very path, else the one of the longest path that it lies below. */
  find(path: string): Action | undefined {
    if (this.#exact.size === 0) return undefined;
    return this.#exact.get(path) ?? this.#prefixes.find((each) => path.startsWith(each.path));
  }

  /** Tells of each that is added from now on; returns what ends that. */
  onAdd(listener: (action: Action) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get all(): readonly Action[] {
    return [...this.#exact.values()];
  }
}
