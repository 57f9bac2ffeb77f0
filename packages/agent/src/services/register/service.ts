import type { Clock, Component, Emitter } from '@ioto/runtime';
import { isoTime } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { DeviceApi } from '../../cloud-api/device-api.ts';
import type { AgentSettings } from '../../config.ts';
import type { ProvisionFile, ProvisionRecord } from '../../identity/provision-file.ts';
import { isClaimed, register } from './register.ts';

export interface RegisterServiceOptions {
  clock: Clock;
  events: Emitter<AgentEvents>;
  api: Pick<DeviceApi, 'post'>;
  builder: string;
  id: string;
  device: AgentSettings['device'];
  publicKeyPem: string;
  provisionFile: ProvisionFile;
}

/** Longest wait that the contract lets a device ask for, in milliseconds. */
const LONGEST_WAIT = 300_000;

/** Service `register`: makes the device known to the builder and learns who claimed it. */
export class RegisterService implements Component {
  readonly name = 'register';
  readonly #options: RegisterServiceOptions;
  #announced = false;
  #off: (() => void) | undefined;

  constructor(options: RegisterServiceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#off = this.#options.events.on('device:released', () => {
      this.#announced = false;
    });
  }

  async stop(): Promise<void> {
    this.#off?.();
  }

  /** One call, its answer saved when it says something new. `wait` in milliseconds. */
  async call(wait: number, signal: AbortSignal): Promise<{ claimed: boolean; held: boolean }> {
    const { clock, provisionFile, id, builder, device, events } = this.#options;
    const asked = Math.min(wait, LONGEST_WAIT);
    const began = clock.now();
    const answer = await register(
      { ...this.#options, created: () => isoTime(clock) },
      { wait: asked, first: provisionFile.record.registered !== true, signal },
    );
    // A builder that knows nothing of long polls answers at once, and must not be asked again at once.
    const held = asked > 0 && clock.now() - began >= asked * 0.9;
    const claimed = isClaimed(answer);
    await this.#save(answer, claimed);
    if (!this.#announced) {
      this.#announced = true;
      events.emit('device:registered', { id, product: device.product, builder, claimed });
    }
    if (claimed) {
      const { api, accountId, cloudType, cloudName, cloudRegion } = answer;
      events.emit('device:claimed', { id, accountId, api, cloudType, cloudName, cloudRegion });
    }
    return { claimed, held };
  }

  /** An unclaimed answer leaves a certificate alone: whether to give it up is decided by who asked. */
  async #save(answer: ProvisionRecord, claimed: boolean): Promise<void> {
    const { provisionFile, events, id } = this.#options;
    const { record } = provisionFile;
    if (claimed && provisionFile.hasCertificate && record.accountId !== answer.accountId) {
      await provisionFile.forget();
      events.emit('device:released', { id, reason: 'unclaimed' });
    }
    const { hasCertificate } = provisionFile;
    if (claimed || (!hasCertificate && isNews(record))) await provisionFile.saveRegistration(answer);
  }
}

/** Flash wears: a waiting device does not write the same answer every minute. */
function isNews(record: ProvisionRecord): boolean {
  return record.registered !== true || record.api !== undefined;
}
