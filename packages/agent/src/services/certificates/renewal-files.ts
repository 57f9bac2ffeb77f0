import { join } from 'node:path';
import { readTextIfPresent, removeFileDurably, writeFileDurably } from '@ioto/runtime';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import type { AgentParts } from '../../agent-parts.ts';
import type { RenewalRecord } from './renewal-plan.ts';

const Stored = Type.Object({
  stage: Type.Union([Type.Literal('issued'), Type.Literal('proven')]),
  replaces: Type.Object({ serial: Type.String(), expires: Type.Number() }),
  newKey: Type.Boolean(),
  serial: Type.String(),
  obtained: Type.Number(),
  expires: Type.Number(),
});

/**
 * A certificate on its way into the place of the present one: `@certs/next.crt`, perhaps with `next.key`, and
 * `renewal.json`, which decides. It names what is durable already; a power cut leaves either the old certificate or the
 * new, with its key.
 */
export class RenewalFiles {
  readonly #parts: Pick<AgentParts, 'directories' | 'provisionFile' | 'checkpoint'>;

  constructor(parts: Pick<AgentParts, 'directories' | 'provisionFile' | 'checkpoint'>) {
    this.#parts = parts;
  }

  /** What is on its way; undefined where nothing is, or where it cannot be read, since the present one is there. */
  async read(): Promise<RenewalRecord | undefined> {
    const text = await readTextIfPresent(this.#path('renewal.json'));
    if (text === undefined) return undefined;
    try {
      const value: unknown = JSON.parse(text);
      return Check(Stored, value) ? (value satisfies Static<typeof Stored>) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Durable before anybody connects with it. `key` is one of its own. */
  async keep(record: RenewalRecord, certificate: string, key: string | undefined): Promise<void> {
    if (key !== undefined) await writeFileDurably(this.#path('next.key'), key);
    await writeFileDurably(this.#path('next.crt'), certificate);
    await this.#write(record);
    await this.#parts.checkpoint('renewal-issued');
  }

  /** Certificate and key of what is on its way. */
  async pems({ newKey }: RenewalRecord): Promise<{ certificate: string; key: string } | undefined> {
    const certificate = await readTextIfPresent(this.#path('next.crt'));
    const key = await readTextIfPresent(this.#path(newKey ? 'next.key' : 'ioto.key'));
    return certificate === undefined || key === undefined ? undefined : { certificate, key };
  }

  /** The endpoint has taken it: from now on it is what the device has, whatever happens. */
  async prove(record: RenewalRecord): Promise<RenewalRecord> {
    const proven: RenewalRecord = { ...record, stage: 'proven' };
    await this.#write(proven);
    await this.#parts.checkpoint('renewal-proven');
    return proven;
  }

  /** Puts it in place. May be done again from any point at which it was cut short. */
  async swap({ newKey, obtained, expires, ...record }: RenewalRecord): Promise<void> {
    const { provisionFile, checkpoint } = this.#parts;
    const pems = await this.pems({ newKey, obtained, expires, ...record });
    if (pems) {
      // A key of its own and its certificate are two files: renewal.json stays until both are there.
      if (newKey) await writeFileDurably(this.#path('device.key'), pems.key);
      await writeFileDurably(this.#path('ioto.crt'), pems.certificate);
    }
    await checkpoint('renewal-swapped');
    await provisionFile.saveRenewal({
      key: newKey ? '@certs/device.key' : '@certs/ioto.key',
      obtained: new Date(obtained).toISOString(),
      expires: new Date(expires).toISOString(),
    });
    await checkpoint('renewal-saved');
    await this.drop();
  }

  async drop(): Promise<void> {
    for (const name of ['renewal.json', 'next.crt', 'next.key']) await removeFileDurably(this.#path(name));
  }

  #write(record: RenewalRecord): Promise<void> {
    return writeFileDurably(this.#path('renewal.json'), `${JSON.stringify(record)}\n`);
  }

  #path(name: string): string {
    return join(this.#parts.directories.certs, name);
  }
}
