import { isJsonObject, isShadowName } from '@ioto/protocol';
import {
  type Clock,
  CodedError,
  type Logger,
  messageOf,
  readTextIfPresent,
  writeFileDurably,
} from '@ioto/runtime';
import { isPending, type ShadowMemory } from './local-shadow.ts';

/** Milliseconds until a write that failed is tried again. */
const RETRY = 30_000;

/** What stands in the file; the classic shadow is under the empty name. */
export interface ShadowContent {
  /** Whose the shadows are; absent before the device was claimed. */
  accountId?: string;
  shadows: ReadonlyMap<string, ShadowMemory>;
}

export interface ShadowFileOptions {
  path: string;
  /** Milliseconds for which changes may wait. */
  delay: number;
  /** Asked for when it is written. */
  content: () => ShadowContent;
  clock: Clock;
  logger: Logger;
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** The shadows on the device's disk, written a while after a change, with what else has changed by then. */
export class ShadowFile {
  readonly #options: ShadowFileOptions;
  #waiters: Waiter[] = [];
  #cancel: (() => void) | undefined;
  #isDirty = false;
  /** The file says something that the cloud is to be told. */
  #isPending = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ShadowFileOptions) {
    this.#options = options;
  }

  /** A file that cannot be read is left for the next write to replace: the cloud knows most of what was in it. */
  async load(): Promise<ShadowContent> {
    const { path, logger } = this.#options;
    try {
      const text = await readTextIfPresent(path);
      if (text !== undefined) {
        const content = parse(text);
        this.#isPending = isAnyPending(content);
        return content;
      }
    } catch (error) {
      logger.warn(
        { path, error: messageOf(error) },
        'cannot read the shadows of this device; the cloud is asked for them',
      );
    }
    return { shadows: new Map() };
  }

  /** Something has changed. */
  touch(): void {
    this.#isDirty = true;
    this.#cancel ??= this.#options.clock.after(this.#options.delay, () => void this.flush());
  }

  /** Resolves when all that has changed until now is on the disk. @throws SHADOW_UNSAVED */
  saved(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /**
   * Resolves whether what the cloud has would outlast a power cut: not before a file is replaced by which the device would tell
   * the cloud something older.
   */
  async inCloud(): Promise<boolean> {
    if (this.#isPending) await this.flush();
    return !this.#isPending;
  }

  /** Writes now what has changed. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const waiters = this.#waiters;
    this.#waiters = [];
    const { path, content, logger, clock } = this.#options;
    try {
      const now = content();
      const pending = isAnyPending(now);
      this.#isPending ||= pending;
      await writeFileDurably(path, `${format(now)}\n`);
      this.#isPending = pending;
      for (const { resolve } of waiters) resolve();
    } catch (error) {
      logger.warn({ path, error: messageOf(error) }, 'cannot write the shadows of this device');
      this.#isDirty = true;
      this.#cancel ??= clock.after(RETRY, () => void this.flush(), { unref: true });
      const text = `the shadow is not kept: ${path} cannot be written`;
      for (const { reject } of waiters)
        reject(new CodedError('SHADOW_UNSAVED', text, { cause: error, retryable: true }));
    }
  }

  /** Writes what is left and ends. */
  async close(): Promise<void> {
    await this.flush();
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

function isAnyPending({ shadows }: ShadowContent): boolean {
  return [...shadows.values()].some(isPending);
}

function format({ accountId, shadows }: ShadowContent): string {
  const list = [...shadows].map(([name, memory]) => ({ name, ...memory }));
  return JSON.stringify({ version: 1, accountId, shadows: list }, null, 2);
}

/** @throws for what was not written so. */
function parse(text: string): ShadowContent {
  const content: unknown = JSON.parse(text);
  if (!isJsonObject(content) || !Array.isArray(content.shadows)) throw new Error('it is no list of shadows');
  const shadows = new Map<string, ShadowMemory>();
  for (const each of content.shadows) {
    if (!isJsonObject(each)) throw new Error('a shadow in it is no object');
    const { name, reported, base, version, unsettled } = each;
    const isWhole = isJsonObject(reported) && isJsonObject(base) && typeof version === 'number';
    if (!isWhole || typeof name !== 'string' || (name !== '' && !isShadowName(name))) {
      throw new Error('a shadow in it is not whole');
    }
    shadows.set(name, { reported, base, version, ...(isJsonObject(unsettled) && { unsettled }) });
  }
  const { accountId } = content;
  return { shadows, ...(typeof accountId === 'string' ? { accountId } : {}) };
}
