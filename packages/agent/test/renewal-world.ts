import { accepted, rejected } from '@ioto/protocol';
import { Emitter, silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import type { Checkpoint } from '../src/agent.ts';
import type { AgentEvents } from '../src/agent-events.ts';
import { layOutDirectories } from '../src/config-loading/directories.ts';
import { makeSettings } from '../src/config-loading/settings.ts';
import { readCertificate } from '../src/identity/certificate.ts';
import { makeCsr } from '../src/identity/csr.ts';
import { type IdentityKey, openIdentityKey } from '../src/identity/identity-key.ts';
import { ProvisionFile, type ProvisionRecord } from '../src/identity/provision-file.ts';
import { Asking } from '../src/services/certificates/asking.ts';
import { RenewalFiles } from '../src/services/certificates/renewal-files.ts';
import { CertificateService } from '../src/services/certificates/service.ts';
import type { ConnectionEnd } from '../src/services/mqtt/refusal.ts';
import { Authority } from './authority.ts';
import { powerCutAt } from './power-cut.ts';
import { Directory, until } from './world.ts';

export const LIFE = 3_600_000;
const ID = 'JT08FFQXWQ';

/** A device's service, its files and the cloud that it asks, in a time that the test moves; and the link, cut short. */
export class RenewalWorld {
  readonly clock = new VirtualClock(Date.now());
  readonly events: [name: string, payload: object][] = [];
  readonly asked: string[] = [];
  /** Serial numbers that the cloud does not take, beside those that it has voided. */
  readonly refuses = new Set<string>();
  /** What comes of the next connects instead of a connection. */
  readonly faults: (ConnectionEnd['kind'] | 'silent' | undefined)[] = [];
  cloud: 'certifies' | 'rejects' | 'is silent' | 'hangs up' = 'certifies';
  /** The moment at which the power goes. */
  cutAt: Checkpoint | undefined;
  cut: Promise<void> = Promise.resolve();
  service!: CertificateService;
  file!: ProvisionFile;
  connected = false;
  readonly #directory: Directory;
  readonly #authority: Authority;
  readonly #settings: Record<string, unknown>;
  /** Steps that were taken by themselves. */
  #moves = 0;
  #key!: IdentityKey;
  #latest = '';

  private constructor(directory: Directory, authority: Authority, settings: Record<string, unknown>) {
    this.#directory = directory;
    this.#authority = authority;
    this.#settings = settings;
  }

  /** A provisioned device that has started. */
  static async create(settings = {}, record: Partial<ProvisionRecord> = {}): Promise<RenewalWorld> {
    const world = new RenewalWorld(await Directory.create(), await Authority.create(), settings);
    world.#key = await openIdentityKey(world.at('certs'));
    world.open({});
    const certificate = await world.certify();
    await world.file.saveProvisioning(
      {
        ...{ registered: true, api: 'https://cloud/api', token: 't', accountId: 'a', endpoint: 'e', sync: 1 },
        ...{ obtained: new Date(world.clock.now()).toISOString(), ...record },
      },
      { certificate },
    );
    await world.restart();
    return world;
  }

  at(...names: string[]): string {
    return this.#directory.at('state', ...names);
  }

  certify(): Promise<string> {
    return this.#authority.signCsr(makeCsr(ID, this.#key.privateKey), LIFE);
  }

  open(record: ProvisionRecord): void {
    this.file = new ProvisionFile({
      directories: layOutDirectories({ state: this.#directory.at('state') }, {}),
      record,
      checkpoint: () => undefined,
    });
  }

  /** The power comes back, or goes for a moment. */
  async restart(): Promise<void> {
    await Promise.race([this.service?.stop(), this.cut]);
    this.connected = false;
    const text = await this.#directory.read('state', 'config', 'provision.json5');
    this.open(JSON.parse(text));
    const { clock, file: provisionFile } = this;
    const directories = layOutDirectories({ state: this.#directory.at('state') }, {});
    const events = new Emitter<AgentEvents>((_event, error) => {
      throw error;
    });
    for (const name of ['certificate:renewed', 'certificate:renewal-failed'] as const) {
      events.on(name, (payload) => this.events.push([name, payload]));
    }
    const asking: Asking = new Asking({
      ...{ clock, id: ID, timeout: 30_000 },
      connection: {
        subscribe: async () => undefined,
        publish: async (topic, payload) => this.#answer(topic, payload, asking),
      },
    });
    const files = new RenewalFiles({ directories, provisionFile, checkpoint: this.#checkpointOf() });
    this.service = new CertificateService({
      ...{ clock, logger: silentLogger, events, provisionFile, asking, files, id: ID },
      settings: makeSettings({ certificates: this.#settings }, () => 'test'),
      identityKey: this.#key.privateKey,
      now: () => clock.now(),
      reconnect: () => void this.#reconnect(),
    });
    await this.service.start();
  }

  /** The power goes at that moment; what the program still does is done to no disk. */
  #checkpointOf() {
    const { cut, checkpoint } = powerCutAt(this.cutAt);
    this.cut = cut;
    this.cutAt = undefined;
    return checkpoint;
  }

  /** One walk of the link: connects, at once with the other certificate where the service says so. */
  async connect(): Promise<'connected' | ConnectionEnd['kind']> {
    const candidate = await this.service.candidate();
    const present = await this.file.readPems();
    const certificate = candidate?.certificate ?? present?.certificate;
    if (certificate === undefined) throw new Error('the device has no certificate and key that fit');
    const { serialNumber } = readCertificate(certificate);
    const fault = this.faults.shift();
    // The first use of the latest voids the others, also when the device does not hear of it.
    const isTaken =
      (fault === undefined || fault === 'lost' || fault === 'silent') && !this.refuses.has(serialNumber);
    if (isTaken && serialNumber === this.#latest && present) {
      const old = readCertificate(present.certificate).serialNumber;
      if (old !== serialNumber) this.refuses.add(old);
    }
    // `silent`: taken, and the connection closed before a word.
    const kind = fault === 'silent' ? 'unanswered' : (fault ?? (isTaken ? undefined : 'refused'));
    if (kind === undefined) {
      this.connected = true;
      this.service.connected();
      return 'connected';
    }
    const end = { kind, code: 'MQTT_X', message: 'no' };
    return (await this.service.ended(end, candidate !== undefined)) ? this.connect() : kind;
  }

  /** Time goes by, at the most so many milliseconds: it stands still where the device does something, which takes real time. */
  async pass(ms: number): Promise<void> {
    const before = this.#moves;
    const end = this.clock.now() + ms;
    while (this.#moves === before && this.clock.now() < end) await this.clock.advance(25_000);
  }

  async #reconnect(): Promise<void> {
    this.#moves += 1;
    this.end();
    await this.service.ended({ kind: 'ended', code: 'MQTT_ENDED', message: 'to prove' }, false);
    await this.connect();
  }

  /** The connection is over. */
  end(): void {
    this.connected = false;
    this.service.disconnected();
  }

  async #answer(topic: string, payload: string, asking: Asking): Promise<void> {
    this.asked.push(topic);
    this.#moves += 1;
    if (this.cloud === 'hangs up') this.end();
    if (this.cloud === 'is silent' || this.cloud === 'hangs up') return;
    const body = JSON.parse(payload) as Record<string, string>;
    const say = (where: string, answer: object) =>
      setImmediate(() => asking.answered(where, Buffer.from(JSON.stringify(answer))));
    if (this.cloud === 'rejects') {
      say(rejected(topic), { statusCode: 429, errorCode: 'Throttled', errorMessage: 'too often' });
    } else if (body.certificateSigningRequest) {
      const certificatePem = await this.#authority.signCsr(body.certificateSigningRequest, 3 * LIFE);
      this.#latest = readCertificate(certificatePem).serialNumber;
      say(accepted(topic), { certificatePem, certificateOwnershipToken: 'token' });
    } else {
      say(accepted(topic), { thingName: ID, deviceConfiguration: {} });
    }
  }

  /** Serial number of what lies in place; the pair fits. */
  async serial(): Promise<string | undefined> {
    const pems = await this.file.readPems();
    return pems && readCertificate(pems.certificate).serialNumber;
  }

  async until(name: 'certificate:renewed' | 'certificate:renewal-failed', count = 1): Promise<void> {
    await until(() => this.events.filter(([each]) => each === name).length >= count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.race([this.service.stop(), this.cut]);
    await this.#directory[Symbol.asyncDispose]();
  }
}
