import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { readTextIfPresent, removeFileDurably, writeFileDurably } from '@ioto/runtime';
import type { Checkpoint } from '../agent.ts';
import type { AgentSettings } from '../config.ts';
import { type Directories, expandPath } from '../config-loading/directories.ts';
import { readCertificate } from './certificate.ts';

/** What builder and cloud have answered so far; the content of provision.json5. */
export type ProvisionRecord = AgentSettings['provision'];

/** The PEMs that a provision answer brings. */
export interface ProvisionedPems {
  certificate: string;
  /** Only of a cloud that makes keys itself. */
  key?: string;
  ca?: string;
}

export interface ProvisionFileOptions {
  directories: Directories;
  record: ProvisionRecord;
  checkpoint: (moment: Checkpoint) => void | Promise<void>;
}

/**
 * The device's standing with builder and cloud, kept in `@state/config/provision.json5`. That one file decides: PEMs are
 * written before it names them, and removed after it forgot them, so that a power cut at any point leaves either the
 * old standing or the new.
 */
export class ProvisionFile {
  readonly #path: string;
  readonly #directories: Directories;
  readonly #checkpoint: ProvisionFileOptions['checkpoint'];
  #record: ProvisionRecord;

  constructor({ directories, record, checkpoint }: ProvisionFileOptions) {
    this.#path = join(directories.stateConfig, 'provision.json5');
    this.#directories = directories;
    this.#record = record;
    this.#checkpoint = checkpoint;
  }

  get record(): ProvisionRecord {
    return this.#record;
  }

  /**
   * True for a cloud that can agree on more than the contract of sync asks: it says so, or, from before it did, it has
   * certified the device's own key and sent its authority with the answer, as no other does.
   */
  get isCloudOurs(): boolean {
    const { sync, ca, key = '@certs/ioto.key' } = this.#record;
    return sync === 1 || (this.hasCertificate && ca !== undefined && key === '@certs/ioto.key');
  }

  get hasCertificate(): boolean {
    return this.#record.certificate !== undefined && this.#record.endpoint !== undefined;
  }

  /** Keeps a register answer, in place of what was there (Ioto contract §4). A certificate that is held stays. */
  async saveRegistration(answer: ProvisionRecord): Promise<void> {
    const { certificate, key, ca, endpoint, port, obtained, expires, sync } = this.#record;
    const kept = this.hasCertificate ? { certificate, key, ca, endpoint, port, obtained, expires, sync } : {};
    await this.#write({ ...kept, ...answer });
    await this.#checkpoint('register-answer-written');
  }

  /** Blends a provision answer, its PEMs written first and replaced by their paths (Ioto contract §6). */
  async saveProvisioning(answer: ProvisionRecord, pems: ProvisionedPems): Promise<void> {
    const { certs } = this.#directories;
    await writeFileDurably(join(certs, 'ioto.crt'), pems.certificate);
    // The identity key stays what the builder knows; a key that a cloud made lies beside it.
    if (pems.key !== undefined) await writeFileDurably(join(certs, 'cloud.key'), pems.key);
    if (pems.ca !== undefined) await writeFileDurably(join(certs, 'cloud-ca.crt'), pems.ca);
    await this.#checkpoint('certificate-written');
    await this.#write({
      ...this.#record,
      ...answer,
      sync: answer.sync,
      certificate: '@certs/ioto.crt',
      key: pems.key === undefined ? '@certs/ioto.key' : '@certs/cloud.key',
      ca: pems.ca === undefined ? undefined : '@certs/cloud-ca.crt',
    });
    await this.#checkpoint('provision-answer-written');
  }

  /** Another certificate lies where this one did, perhaps with a key of its own. */
  async saveRenewal(facts: Required<Pick<ProvisionRecord, 'key' | 'obtained' | 'expires'>>): Promise<void> {
    await this.#write({ ...this.#record, ...facts, certificate: '@certs/ioto.crt' });
  }

  /** Forgets owner, cloud and certificate. That the builder knows this device, and its identity key, stay. */
  async forget(): Promise<void> {
    await this.#write({ registered: true });
    await this.#checkpoint('provision-forgotten');
    await removePems(this.#directories);
    await this.#checkpoint('certificate-removed');
  }

  /** Forgets a certificate whose files are gone; the claim stays, so that the cloud can be asked again. */
  async loseCertificate(): Promise<void> {
    const {
      certificate: _gone,
      key: _path,
      ca: _authority,
      endpoint: _end,
      port: _port,
      sync: _sync,
      ...claim
    } = this.#record;
    await this.#write(claim);
  }

  /** Removes PEMs that no record names: the rest of a provisioning or a release that was cut short. */
  async reconcile(): Promise<void> {
    if (!this.hasCertificate) await removePems(this.#directories);
  }

  /**
   * The PEMs that the record names; undefined when one of them is gone, or when certificate and key do not fit: a cloud
   * that makes keys replaces both, and a power cut may come in between.
   */
  async readPems(): Promise<{ certificate: string; key: string; ca: string | undefined } | undefined> {
    const { certificate, key = '@certs/ioto.key', ca } = this.#record;
    const read = (path: string | undefined) =>
      path === undefined ? undefined : readTextIfPresent(expandPath(path, this.#directories));
    const pems = { certificate: await read(certificate), key: await read(key), ca: await read(ca) };
    if (pems.certificate === undefined || pems.key === undefined) return undefined;
    if (!isPair(pems.certificate, pems.key)) return undefined;
    return { certificate: pems.certificate, key: pems.key, ca: pems.ca };
  }

  async #write(record: ProvisionRecord): Promise<void> {
    await writeFileDurably(this.#path, `${JSON.stringify(record, null, 2)}\n`);
    this.#record = Object.freeze(record);
  }
}

function isPair(certificate: string, key: string): boolean {
  try {
    return readCertificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** What a provisioning wrote, and what a renewal did; the identity key is not one of them. */
const PEMS = ['ioto.crt', 'cloud.key', 'cloud-ca.crt', 'renewal.json', 'next.crt', 'next.key', 'device.key'];

export async function removePems({ certs }: Directories): Promise<void> {
  for (const file of PEMS) await removeFileDurably(join(certs, file));
}
