import { newClaimId } from '@ioto/protocol';
import type { Component, Emitter } from '@ioto/runtime';
import { CodedError } from '@ioto/runtime';
import type { Checkpoint } from '../../agent.ts';
import type { AgentEvents, IdSource } from '../../agent-events.ts';
import type { AgentSettings } from '../../config.ts';
import type { Directories } from '../../config-loading/directories.ts';
import { saveDevice } from '../../identity/device-file.ts';
import type { UrlFetch } from '../url/fetch.ts';
import { askFactoryCommand, askFactoryService } from './factory.ts';

export type SerializeMode = 'auto' | 'factory' | 'none';

export interface SerializeOptions {
  mode: SerializeMode;
  settings: AgentSettings;
  directories: Directories;
  events: Emitter<AgentEvents>;
  fetch: UrlFetch;
  /** The ID came with the agent's options. */
  asked: boolean;
  checkpoint: (moment: Checkpoint) => void | Promise<void>;
}

/** Service `serialize`: gives the device its claim ID, once. */
export class SerializeService implements Component {
  readonly name = 'serialize';
  readonly #options: SerializeOptions;
  #device: AgentSettings['device'];

  constructor(options: SerializeOptions) {
    this.#options = options;
    this.#device = options.settings.device;
  }

  /** What is known of the device; with its `id` once started, unless the mode is `none` and no file has one. */
  get device(): AgentSettings['device'] {
    return this.#device;
  }

  /** @throws ID_CONFLICT, SERIALIZE_FAILED, and the system's error when device.json5 cannot be written. */
  async start(): Promise<void> {
    const { settings, asked, mode } = this.#options;
    const { id } = settings.device;
    if (id !== undefined) {
      requireSameDevice(id, settings.provision);
      if (asked) await this.#save({ id });
      this.#announce(id, asked ? 'options' : 'file');
      return;
    }
    if (mode === 'none') return;
    const { source, ...found } = await this.#find();
    await this.#save(found);
    this.#announce(found.id, source);
  }

  async stop(): Promise<void> {}

  async #find(): Promise<Record<string, unknown> & { id: string; source: IdSource }> {
    const { mode, settings, fetch } = this.#options;
    const { api, scripts, timeouts, device, serialize } = settings;
    if (mode === 'auto') return { id: newClaimId(serialize.length), source: 'generated' };
    if (api.serialize !== undefined) {
      const answer = await askFactoryService(fetch, api.serialize, device, timeouts.api);
      return { ...answer, source: 'factory' };
    }
    if (scripts.serialize !== undefined) {
      return { ...(await askFactoryCommand(scripts.serialize, timeouts.serialize)), source: 'command' };
    }
    throw new CodedError(
      'CONFIG_INVALID',
      "services.serialize is 'factory': set api.serialize to the factory's URL, or scripts.serialize to a command",
    );
  }

  async #save(found: Record<string, unknown> & { id: string }): Promise<void> {
    const { directories, checkpoint } = this.#options;
    const spelling = this.#device.claim === undefined ? 'id' : 'claim';
    await saveDevice(directories, found, spelling);
    this.#device = Object.freeze({ ...this.#device, ...found });
    await checkpoint('device-file-written');
  }

  #announce(id: string, source: IdSource): void {
    this.#options.events.emit('device:serialized', { id, product: this.#device.product, source });
  }
}

/** A device cannot become another one while builder and cloud know it: its answers would be taken for the other's. */
function requireSameDevice(id: string, provision: AgentSettings['provision']): void {
  if (provision.id === undefined || provision.id === id) return;
  throw new CodedError(
    'ID_CONFLICT',
    `the claim ID is ${id}, but this state directory is provisioned for ${provision.id}: name another with --state, or forget its cloud with --reset`,
  );
}
