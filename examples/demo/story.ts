import type { Agent, AgentEvents } from '@ioto/agent';
import type { CloudAccess } from '@ioto/cloud';
import { CodedError } from '@ioto/runtime';
import { CloudSession } from './cloud-session.ts';
import type { DemoSite } from './demo-site.ts';
import type { Narrator } from './narrator.ts';
import { step, until } from './steps.ts';

export interface LifeOptions {
  /** Not started yet. */
  device: Agent;
  place: CloudAccess;
  /** The cloud's state directory, for the command line. */
  cloudState: string;
  site: DemoSite;
  narrator: Narrator;
  /** Claim the device as the demo user; else wait for somebody to. */
  claim: boolean;
  /** Do not wait for somebody. */
  once: boolean;
  signal: AbortSignal;
}

type EventName = keyof AgentEvents & string;

/** Every event of interest, once, from before the start, so that none is missed however fast it comes. */
class Milestones {
  readonly #reached = new Map<EventName, Promise<unknown>>();
  readonly #seen = new Set<EventName>();

  constructor(device: Agent, signal: AbortSignal, names: readonly EventName[]) {
    for (const name of names) {
      const reached = device.next(name, signal).then(() => this.#seen.add(name));
      reached.catch(() => undefined);
      this.#reached.set(name, reached);
    }
  }

  has(name: EventName): boolean {
    return this.#seen.has(name);
  }

  /** Resolves with the first of these. */
  async any(...names: EventName[]): Promise<void> {
    await Promise.race(names.map((name) => this.#reached.get(name)));
  }
}

/** Takes the device through its life, or the rest of it after a restart, and tells each step as it happens. */
export async function tellLife(options: LifeOptions): Promise<void> {
  const { device, signal, narrator } = options;
  const milestones = new Milestones(device, signal, [
    'device:serialized',
    'web:listening',
    'device:registered',
    'device:waiting',
    'device:claimed',
    'device:provisioned',
    'mqtt:connected',
    'cloud:ready',
  ]);
  narrate(options, milestones);
  await step('local services', device.start(signal));
  await step('serialized', milestones.any('device:serialized'));
  await step('web server up', milestones.any('web:listening'));
  await step(
    'registered',
    milestones.any('device:registered', 'device:claimed', 'device:provisioned', 'mqtt:connected'),
  );
  await step(
    'waiting',
    milestones.any('device:waiting', 'device:claimed', 'device:provisioned', 'mqtt:connected'),
  );
  if (isWaiting(milestones)) {
    if (!options.claim && options.once) return;
    await claim(options, milestones);
  }
  await step('provisioned', milestones.any('device:provisioned', 'mqtt:connected'));
  await step('MQTT connected', milestones.any('mqtt:connected'));
  await step('synced', milestones.any('cloud:ready'));
  await roundTrip(options);
  narrator.step('ready', 'claimed, certified, connected and in sync');
}

function isWaiting(milestones: Milestones): boolean {
  return (
    !milestones.has('device:claimed') &&
    !milestones.has('device:provisioned') &&
    !milestones.has('mqtt:connected')
  );
}

function narrate({ device, narrator, site, cloudState }: LifeOptions, milestones: Milestones): void {
  device.once('device:serialized', ({ id, source }) => {
    const made =
      source === 'generated' ? 'made a random claim ID, as a label would carry it' : 'has its claim ID';
    narrator.step('serialized', made);
    narrator.label(id);
  });
  device.once('web:listening', ({ addresses }) => narrator.step('web server up', addresses.join(' ')));
  // These come with every poll; once an ownership is enough.
  let told = new Set<string>();
  const onceUntilRelease = (name: string, facts: string) => {
    if (told.has(name)) return;
    told.add(name);
    narrator.step(name, facts);
  };
  device.on('device:registered', ({ builder }) =>
    onceUntilRelease('registered', `with the builder at ${builder}`),
  );
  device.on('device:waiting', ({ polling, retryIn }) =>
    onceUntilRelease(
      'waiting',
      polling ? 'for a claim, on a long poll' : `for a claim, asking again in ${retryIn / 1000} s`,
    ),
  );
  device.on('device:claimed', ({ accountId }) => {
    const owner =
      accountId === site.accountId ? `by ${site.email} (account ${accountId})` : `by account ${accountId}`;
    narrator.step('claimed', owner);
  });
  device.on('device:provisioned', ({ certificate }) =>
    narrator.step(
      'provisioned',
      `${certificate.subject}, until ${certificate.expires.slice(0, 10)}; the key was made on the device and stayed there`,
    ),
  );
  device.on('mqtt:connected', ({ endpoint, port, tlsVersion, alpn, certificate }) => {
    if (!milestones.has('device:registered') && !milestones.has('device:provisioned')) {
      onceUntilRelease(
        'resumed',
        `with the stored certificate ${certificate.subject}: no registration, no new certificate`,
      );
    }
    narrator.step('MQTT connected', `${endpoint}:${port}, mutual ${tlsVersion}, ALPN ${alpn ?? 'none'}`);
  });
  device.on('device:released', () => {
    told = new Set();
    narrator.step('released', 'by its owner: it forgets its certificate and begins anew');
    device.once('device:waiting', ({ id }) => narrator.line(claimHint(id, site, cloudState)));
  });
}

/** How a person claims the device. */
function claimHint(id: string, { accountId }: DemoSite, cloudState: string): string {
  return `\n  claim it:  npx ioto-cloud device claim ${id} --account ${accountId} --state ${cloudState}\n`;
}

async function claim(
  { device, place, cloudState, site, narrator, ...options }: LifeOptions,
  milestones: Milestones,
): Promise<void> {
  if (!options.claim) {
    narrator.line(claimHint(device.id, site, cloudState));
    await milestones.any('device:claimed');
    return;
  }
  const owner = await step('sign in', CloudSession.signIn(place.api, place.authority, site));
  await step('claimed', owner.post('/device/claim', { id: device.id }));
  await step('claimed', milestones.any('device:claimed'));
}

/** A value written on the device is read in the cloud, and a Command of the cloud arrives on the device. */
async function roundTrip({ device, place, site, narrator, signal }: LifeOptions): Promise<void> {
  const owner = await step('sign in', CloudSession.signIn(place.api, place.authority, site));
  const written = String(await device.store.get('starts'));
  const wanted = { _type: 'Store', deviceId: device.id, key: 'starts' };
  const read = await step(
    'synced up',
    until(async () => {
      const item = await owner.post<{ value?: string }>('/generic/get', wanted).catch(notYet);
      return item?.value === written ? item.value : undefined;
    }),
  );
  narrator.step(
    'synced up',
    `counter "starts" written on the device: ${written}, read back from the cloud: ${read}`,
  );
  const heard = device.next('device:command:greet', signal);
  heard.catch(() => undefined);
  const text = `Hello at ${new Date().toISOString()}`;
  await step(
    'synced down',
    owner.post('/generic/create', {
      _type: 'Command',
      deviceId: device.id,
      command: 'greet',
      args: { text },
    }),
  );
  const { args } = await step('synced down', heard);
  if (args.text !== text)
    throw new CodedError('STEP_FAILED', 'step "synced down" failed: another Command arrived than was sent');
  narrator.step('synced down', `Command "greet" sent in the cloud arrived: ${text}`);
}

/** An item that has not arrived yet is a 404; everything else is a failure. */
function notYet(error: unknown): undefined {
  if (error instanceof CodedError && error.status === 404) return undefined;
  throw error;
}
