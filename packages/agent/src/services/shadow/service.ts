import { randomBytes } from 'node:crypto';
import {
  isJsonObject,
  isShadowName,
  type JsonObject,
  parseShadowTopic,
  parseUpdate,
  SHADOW_LIMITS,
  shadowRefusal,
  shadowTopic,
} from '@ioto/protocol';
import { type Clock, CodedError, type Component, type Emitter, type Logger, messageOf } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { Json, Shadow, ShadowDelta } from '../../service-apis.ts';
import type { ConnectionUser, Owner, Publish } from '../mqtt/service.ts';
import { Exchange } from './exchange.ts';
import { LocalShadow } from './local-shadow.ts';
import { ShadowFile } from './shadow-file.ts';
import { Turns } from './turns.ts';

export interface ShadowServiceOptions {
  id: string;
  /** Of the file that the shadows are kept in. */
  path: string;
  /** Milliseconds for which changes may wait to be written. */
  save: number;
  events: Emitter<AgentEvents>;
  clock: Clock;
  logger: Logger;
  random: () => number;
}

/** One shadow with all that is needed for it. */
interface Held {
  local: LocalShadow;
  exchange: Exchange;
  listeners: Set<(delta: ShadowDelta) => void>;
  /** Ends waits for what is reported to be kept. */
  waiting: Set<() => void>;
}

const CLASSIC = '';
/** Shadows that a device holds. */
const MOST_HELD = 1000;
/** Requests about shadows that are under way at once. */
const MOST_REQUESTS = 10;

/** Service `shadow`: the device's shadows, in the cloud and on the device. */
export class ShadowService implements Component, ConnectionUser {
  readonly name = 'shadow';
  readonly shadow: Shadow;
  readonly #options: ShadowServiceOptions;
  readonly #file: ShadowFile;
  readonly #held = new Map<string, Held>();
  readonly #tokens = randomBytes(6).toString('base64url');
  readonly #turns: Turns;
  #off: (() => void) | undefined;
  #isFull = false;
  #asked = 0;
  #accountId: string | undefined;
  #publish: Publish | undefined;

  constructor(options: ShadowServiceOptions) {
    this.#options = options;
    const { path, save, clock, logger } = options;
    this.#file = new ShadowFile({
      ...{ path, clock, logger, delay: save },
      content: () => ({
        accountId: this.#accountId,
        shadows: new Map([...this.#held].map(([name, { local }]) => [name, local.memory] as const)),
      }),
    });
    this.#turns = new Turns({ clock, most: MOST_REQUESTS });
    this.shadow = this.#viewOf(CLASSIC);
  }

  /** What is to be subscribed: answers and differences of all its shadows, and not what else is told of them. */
  get filters(): string[] {
    const { id } = this.#options;
    return [undefined, '+'].flatMap((name) => [
      `${shadowTopic.request(id, name, 'get')}/+`,
      ...(['accepted', 'rejected', 'delta'] as const).map((news) =>
        shadowTopic.news(id, name, 'update', news),
      ),
    ]);
  }

  async start(): Promise<void> {
    const { accountId, shadows } = await this.#file.load();
    this.#accountId = accountId;
    for (const [name, memory] of shadows) this.#hold(name, new LocalShadow(memory));
    if (!this.#held.has(CLASSIC)) this.#hold(CLASSIC, new LocalShadow());
    this.#off = this.#options.events.on('mqtt:throttled', ({ pause }) => this.#turns.pause(pause));
  }

  async stop(): Promise<void> {
    this.#off?.();
    this.disconnected();
    this.#turns.stop();
    await this.#file.close();
  }

  /** The next owner gets nothing of what was reported to the last. */
  prepare({ accountId }: Owner): void {
    if (this.#accountId === accountId) return;
    if (this.#accountId !== undefined) {
      for (const [name, { listeners }] of this.#held) {
        const next = this.#hold(name, new LocalShadow());
        for (const listener of listeners) next.listeners.add(listener);
      }
    }
    this.#accountId = accountId;
    this.#file.touch();
  }

  connected(publish: Publish): void {
    this.#publish = publish;
    for (const { exchange } of this.#held.values()) exchange.connected(publish);
  }

  disconnected(): void {
    this.#publish = undefined;
    for (const { exchange } of this.#held.values()) exchange.disconnected();
  }

  /** A message below `$aws/things/{id}/shadow/`. */
  readonly receive = (topic: string, payload: Buffer): void => {
    const { logger } = this.#options;
    const about = parseShadowTopic(topic);
    let message: unknown;
    try {
      message = JSON.parse(payload.toString());
    } catch (error) {
      logger.warn({ topic, error: messageOf(error) }, 'dropped a message about the shadow that is not JSON');
      return;
    }
    if (!about || !isJsonObject(message)) return;
    const name = about.name ?? CLASSIC;
    // A difference may be of a shadow that nobody here has asked for yet.
    const held =
      this.#held.get(name) ??
      (about.news === 'delta' && isShadowName(name) ? this.#madeForCloud(name) : undefined);
    held?.exchange.received(about, message);
  };

  #viewOf(name: string): Shadow {
    return {
      // Asking makes no shadow.
      get: (path) => {
        const names = path === undefined ? [] : pathOf(path);
        return (this.#held.get(name)?.local ?? new LocalShadow()).get(names);
      },
      set: (what: string | JsonObject, value?: Json) =>
        this.#report(name, typeof what === 'string' ? patchAt(pathOf(what), value) : what),
      named: (other) => {
        if (isShadowName(other)) return this.#viewOf(other);
        const text = `no shadow can have the name ${JSON.stringify(other)}: 1 to 64 of letters, digits and $ : _ -`;
        throw new CodedError('SHADOW_NAME', text);
      },
      on: (_event, listener) => this.#listen(name, listener),
    };
  }

  #listen(name: string, listener: (delta: ShadowDelta) => void): () => void {
    const { listeners, local } = this.#of(name);
    listeners.add(listener);
    // What came before anybody listened is still to be done.
    queueMicrotask(() => {
      const { delta } = local;
      if (delta && listeners.has(listener)) this.#tell(listener, delta);
    });
    return () => void this.#held.get(name)?.listeners.delete(listener);
  }

  /** @throws SHADOW_INVALID and SHADOW_TOO_LARGE for what no shadow can be; SHADOW_UNSAVED */
  async #report(name: string, values: JsonObject): Promise<void> {
    // Also makes a copy of it, and leaves out what is no JSON.
    const { state } = parseUpdate(Buffer.from(JSON.stringify({ state: { reported: values } })));
    const held = this.#of(name);
    const patch = state?.reported ?? {};
    const size = Buffer.byteLength(JSON.stringify({ reported: held.local.after(patch) }));
    if (size > SHADOW_LIMITS.bytes) throw shadowRefusal.tooLarge();
    held.local.report(patch);
    this.#file.touch();
    let resolve: () => void = () => undefined;
    const inCloud = new Promise<void>((kept) => {
      resolve = kept;
    });
    held.waiting.add(resolve);
    const saved = this.#file.saved();
    held.exchange.goOn();
    try {
      await Promise.race([saved, inCloud]);
    } finally {
      held.waiting.delete(resolve);
    }
  }

  #of(name: string): Held {
    return this.#held.get(name) ?? this.#made(name);
  }

  #madeForCloud(name: string): Held | undefined {
    if (this.#held.size < MOST_HELD) return this.#made(name);
    if (!this.#isFull) {
      this.#options.logger.warn(
        { shadow: name },
        `more than ${MOST_HELD} shadows: differences of others are ignored`,
      );
    }
    this.#isFull = true;
    return undefined;
  }

  /** @throws SHADOW_TOO_MANY */
  #made(name: string): Held {
    if (this.#held.size >= MOST_HELD) {
      throw new CodedError('SHADOW_TOO_MANY', `a device holds ${MOST_HELD} shadows: ${name} is one more`);
    }
    const held = this.#hold(name, new LocalShadow());
    if (this.#publish) held.exchange.connected(this.#publish);
    return held;
  }

  #hold(name: string, local: LocalShadow): Held {
    const { id: thing, clock, logger, events, random } = this.#options;
    const listeners: Held['listeners'] = new Set();
    const waiting: Held['waiting'] = new Set();
    const named = name === CLASSIC ? {} : { name };
    const exchange = new Exchange({
      ...{ thing, local, clock, logger, random, turns: this.#turns, ...named },
      newToken: () => `${this.#tokens}${++this.#asked}`,
      changed: () => this.#file.touch(),
      differs: () => {
        const { delta } = local;
        if (!delta) return;
        events.emit('shadow:delta', { ...named, ...delta });
        for (const listener of [...listeners]) this.#tell(listener, delta);
      },
      inStep: () => {
        const told = [...waiting];
        if (told.length === 0) return;
        void this.#file.inCloud().then((isKept) => {
          if (isKept) for (const resolve of told) resolve();
        });
      },
    });
    const held = { local, exchange, listeners, waiting };
    this.#held.set(name, held);
    return held;
  }

  #tell(listener: (delta: ShadowDelta) => void, delta: ShadowDelta): void {
    try {
      listener(delta);
    } catch (error) {
      this.#options.logger.error(
        { event: 'delta', error: messageOf(error) },
        'a listener of the shadow failed',
      );
    }
  }
}

function pathOf(path: string): string[] {
  const names = path.split('.');
  if (names.every((name) => name !== '')) return names;
  throw new CodedError('SHADOW_PATH', `${JSON.stringify(path)} is no path such as lamp.colour`);
}

function patchAt(path: readonly string[], value: Json | undefined): JsonObject {
  if (value === undefined)
    throw new CodedError('SHADOW_INVALID', `there is no value to report at ${path.join('.')}`);
  const patch = path.reduceRight<Json>((inner, name) => Object.fromEntries([[name, inner]]), value);
  return patch as JsonObject;
}
