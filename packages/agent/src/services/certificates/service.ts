import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type Component, isCodedError, messageOf } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';
import { certificateFacts, readCertificate, requireOwnCertificate } from '../../identity/certificate.ts';
import type { Renewal } from '../../service-apis.ts';
import type { ConnectionEnd } from '../mqtt/refusal.ts';
import type { Asking } from './asking.ts';
import type { RenewalFiles } from './renewal-files.ts';
import {
  type CertificateTimes,
  dueTime,
  type RenewalRecord,
  renewalStep,
  retryDelay,
} from './renewal-plan.ts';

export interface CertificateServiceOptions
  extends Pick<AgentParts, 'clock' | 'logger' | 'events' | 'provisionFile' | 'settings'> {
  id: string;
  identityKey: KeyObject;
  asking: Asking;
  files: RenewalFiles;
  /** By the cloud's clock. */
  now: () => number;
  /** Ends the connection; the link makes the next. */
  reconnect(reason: string): void;
}

/** The longest wait between two looks at the time: the clock of a device may be set meanwhile. */
const LOOK = 3_600_000;
/** After the present certificate was refused, the other is tried, and not again within that time. */
const TURN = 60_000;
/** Connections with the candidate that ended without a word, after which it is given up once the present one connects. */
const MOST_SILENT = 3;

/**
 * Service `certificates`: asks for another certificate at two thirds of the life of the present one, connects with it, and
 * only then puts it in its place. Whatever fails, the device goes on with what it has.
 */
export class CertificateService implements Component, Renewal {
  readonly name = 'certificates';
  readonly #options: CertificateServiceOptions;
  readonly #stopping = new AbortController();
  #off: (() => void)[] = [];
  /** What is done is done one after the other. */
  #busy: Promise<void> = Promise.resolve();
  #present: CertificateTimes | undefined;
  #renewal: RenewalRecord | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;
  /** The next connection is made with the candidate. */
  #proving = false;
  /** The endpoint has taken it on the present connection. */
  #accepted = false;
  #online = false;
  #silent = 0;
  #turned = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(options: CertificateServiceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { events } = this.#options;
    await this.#load();
    // Before the link connects: what a power cut left behind is finished, and what was issued is tried first.
    await this.#settle();
    this.#proving = this.#renewal !== undefined;
    this.#off = [
      events.on('device:provisioned', () => this.#do(() => this.#begin())),
      events.on('device:released', () => this.#do(() => this.#begin())),
    ];
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#options.asking.end();
    for (const off of this.#off) off();
    this.#cancelTimer?.();
    await this.#busy;
  }

  async candidate(): Promise<{ certificate: string; key: string } | undefined> {
    await this.#busy;
    this.#accepted = false;
    if (!this.#proving || !this.#renewal) return undefined;
    const pems = await this.#options.files.pems(this.#renewal);
    if (!pems) this.#proving = false;
    return pems;
  }

  /** The endpoint has taken the certificate, and granted what the device subscribes. */
  connected(): void {
    this.#online = true;
    this.#options.asking.begin();
    if (this.#proving) this.#accepted = true;
    this.#do(async () => {
      if (this.#accepted) return this.#proven();
      if (this.#renewal && this.#silent >= MOST_SILENT) await this.#drop();
      await this.#look();
    });
  }

  disconnected(): void {
    this.#online = false;
    this.#options.asking.end();
  }

  async ended(end: ConnectionEnd, proof: boolean): Promise<boolean> {
    await this.#busy;
    // What has taken the place of the other is the present one, however its connection ends.
    if (!this.#renewal || this.#accepted || end.kind === 'ended') return false;
    const isRefused = end.kind === 'refused' || end.kind === 'unanswered';
    if (proof) {
      this.#proving = false;
      // An end without a word may be the network's, and the endpoint may have voided the present one by then: it is kept.
      if (end.kind === 'refused') await this.#drop();
      else if (end.kind === 'unanswered') this.#silent += 1;
      this.#failed(end);
      return true;
    }
    // The endpoint may have taken the candidate, and voided this one, without the device getting to know.
    const now = this.#options.clock.now();
    if (!isRefused || now - this.#turned < TURN) return false;
    this.#turned = now;
    this.#proving = true;
    return true;
  }

  #do(work: () => Promise<void>): void {
    this.#busy = this.#busy.then(work).catch((error) => {
      this.#options.logger.error({ error: messageOf(error) }, 'a step of a renewal failed');
      this.#arm();
    });
  }

  async #load(): Promise<void> {
    const { files, provisionFile } = this.#options;
    const { obtained } = provisionFile.record;
    const pems = provisionFile.hasCertificate ? await provisionFile.readPems() : undefined;
    this.#present = pems && timesOf(pems.certificate, Date.parse(obtained ?? ''));
    this.#renewal = await files.read();
  }

  /** Another certificate was provisioned, or the device is nobody's: what was on its way is not for that. */
  async #begin(): Promise<void> {
    await this.#load();
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#proving = false;
    await this.#settle();
    this.#arm();
  }

  /** Finishes or drops what is on its way and cannot be proven. */
  async #settle(): Promise<void> {
    const { provisionFile } = this.#options;
    const step = this.#step();
    // Without a present one: the power went between the new key and its certificate.
    const isTorn = !this.#present && provisionFile.hasCertificate && this.#renewal?.stage === 'proven';
    if (step === 'swap' || isTorn) await this.#swap();
    else if (step === 'drop' || (this.#renewal && !this.#present)) await this.#drop();
  }

  #step() {
    if (!this.#present) return 'wait';
    const notBefore = this.#notBefore;
    return renewalStep({
      now: this.#options.now(),
      present: this.#present,
      renewal: this.#renewal,
      notBefore,
    });
  }

  /** Takes the step that is due, as far as that needs a connection. */
  async #look(): Promise<void> {
    // One that ended is not one that the endpoint has just taken: the clock of the device is wrong.
    const isOver = (this.#present?.expires ?? 0) <= this.#options.now();
    if (!this.#online || !this.#isAllowed || isOver) return this.#arm();
    try {
      const step = this.#step();
      if (step === 'ask') await this.#ask();
      else if (step === 'drop') await this.#drop();
      if (this.#step() === 'prove' && this.#online) {
        this.#proving = true;
        this.#options.reconnect('a renewed certificate is to prove itself');
      }
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#failed({ code: isCodedError(error) ? error.code : 'UNEXPECTED', message: messageOf(error) });
    } finally {
      this.#arm();
    }
  }

  /** Clouds of others know what they do with such requests only where somebody has said by which template. */
  get #isAllowed(): boolean {
    const { provisionFile, settings } = this.#options;
    return provisionFile.isCloudOurs || settings.certificates.template !== undefined;
  }

  async #ask(): Promise<void> {
    const { asking, files, id, identityKey, settings, now } = this.#options;
    const { newKey, template } = settings.certificates;
    const present = this.#present;
    if (!present) return;
    const key = newKey ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : identityKey;
    const { certificate, token } = await asking.certify(key);
    requireOwnCertificate(readCertificate(certificate), id, key);
    if (template !== undefined) await asking.activate(template, token);
    const record: RenewalRecord = {
      ...timesOf(certificate, now()),
      ...{ stage: 'issued', replaces: { serial: present.serial, expires: present.expires }, newKey },
    };
    const pem = newKey ? key.export({ type: 'pkcs8', format: 'pem' }).toString() : undefined;
    await files.keep(record, certificate, pem);
    this.#renewal = record;
    this.#silent = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }

  async #proven(): Promise<void> {
    if (!this.#renewal) return;
    if (this.#renewal.stage === 'issued') this.#renewal = await this.#options.files.prove(this.#renewal);
    await this.#swap();
    this.#arm();
  }

  async #swap(): Promise<void> {
    const { files, provisionFile, events, logger } = this.#options;
    const renewal = this.#renewal;
    if (!renewal) return;
    await files.swap(renewal);
    await this.#load();
    this.#proving = false;
    const pems = await provisionFile.readPems();
    if (!pems) {
      logger.error({}, 'the renewed certificate is not where it was put');
      return;
    }
    events.emit('certificate:renewed', {
      certificate: certificateFacts(readCertificate(pems.certificate)),
      replaced: {
        serialNumber: renewal.replaces.serial,
        expires: new Date(renewal.replaces.expires).toISOString(),
      },
    });
  }

  async #drop(): Promise<void> {
    await this.#options.files.drop();
    this.#renewal = undefined;
    this.#silent = 0;
    this.#proving = false;
  }

  #failed({ code, message }: { code: string; message: string }): void {
    const { events, now } = this.#options;
    if (!this.#present) return;
    const retryIn = retryDelay(this.#present, now());
    this.#notBefore = now() + retryIn;
    events.emit('certificate:renewal-failed', { code, message, retryIn });
    this.#arm();
  }

  #arm(): void {
    this.#cancelTimer?.();
    if (!this.#present || this.#stopping.signal.aborted) return;
    const { clock, now } = this.#options;
    const due = Math.max(this.#renewal ? 0 : dueTime(this.#present), this.#notBefore) - now();
    // What is due already waits for a connection, which looks by itself.
    const wait = due > 0 ? Math.min(due, LOOK) : LOOK;
    this.#cancelTimer = clock.after(wait, () => this.#do(() => this.#look()), { unref: true });
  }
}

/** @param obtained Milliseconds; not a number where nobody wrote it down. */
function timesOf(pem: string, obtained: number): CertificateTimes {
  const certificate = readCertificate(pem);
  const expires = Date.parse(certificate.validTo);
  const from = Date.parse(certificate.validFrom);
  // A clock that was far ahead must not make the whole life of the certificate one that is over.
  const isPlausible = obtained >= from && obtained < expires;
  return { serial: certificate.serialNumber, obtained: isPlausible ? obtained : from, expires };
}
