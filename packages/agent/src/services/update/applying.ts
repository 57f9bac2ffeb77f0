import { type Emitter, messageOf } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import { imageOf } from './download.ts';
import { updateError } from './errors.ts';
import type { ScriptEnd, UpdateScript } from './script.ts';

export interface ApplyingOptions {
  events: Emitter<AgentEvents>;
  script: Pick<UpdateScript, 'run'>;
  /** `scripts.update`. */
  command: string | undefined;
  /** Milliseconds. */
  timeout: number;
  directory: string;
}

/** Puts an image that is whole and verified in the hands of whoever applies it. */
export class Applying {
  readonly #options: ApplyingOptions;

  constructor(options: ApplyingOptions) {
    this.#options = options;
  }

  /** How that ended; `handed` when a listener of `device:update` sees to it, who may never say so. @throws UPDATE_NO_SCRIPT */
  async run(version: string, signal: AbortSignal): Promise<ScriptEnd | { handed: Promise<ScriptEnd> }> {
    const { events, script, command, timeout, directory } = this.#options;
    const file = imageOf(directory);
    let isHanded = false;
    const preventDefault = () => {
      isHanded = true;
    };
    let finish: (error?: Error) => void = () => undefined;
    const handed = new Promise<ScriptEnd>((resolve) => {
      finish = (error) =>
        resolve(
          error
            ? { ok: false, by: 'a listener of device:update', reason: messageOf(error) }
            : { ok: true, directive: undefined },
        );
    });
    events.emit('device:update', { version, file, preventDefault, finish: (error) => finish(error) });
    if (isHanded) return { handed };
    if (command === undefined) {
      throw updateError(
        'UPDATE_NO_SCRIPT',
        'nothing here applies an update: set scripts.update, or listen to device:update and prevent the default',
      );
    }
    return script.run(command, { image: file, version, timeout, signal });
  }
}
