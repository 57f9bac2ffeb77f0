/** Every service that there is. */
export type ServiceName =
  | 'serialize'
  | 'database'
  | 'web'
  | 'register'
  | 'provision'
  | 'keys'
  | 'mqtt'
  | 'metrics'
  | 'sync'
  | 'shadow'
  | 'certificates'
  | 'logs'
  | 'jobs'
  | 'update'
  | 'url';

export interface ServiceEntry {
  name: ServiceName;
  /** Services that it cannot do without. */
  needs: readonly ServiceName[];
  /** One that it is a part of as long as nobody says otherwise: on with it, unless it is named. */
  follows?: ServiceName;
}

/**
 * Every service, in start order: serialize, database, web, register, provision, mqtt, with url beside them, first because
 * the others call by it, and then what lives on the connection. Services that are of the cloud start at once too, but take
 * their steps in the background.
 */
export const SERVICE_TABLE: readonly ServiceEntry[] = [
  { name: 'url', needs: [] },
  { name: 'serialize', needs: [] },
  { name: 'database', needs: [] },
  { name: 'web', needs: [] },
  { name: 'register', needs: ['url'] },
  { name: 'provision', needs: ['register', 'url'] },
  { name: 'keys', needs: ['provision', 'url'] },
  { name: 'mqtt', needs: ['provision'] },
  { name: 'metrics', needs: ['mqtt'], follows: 'mqtt' },
  { name: 'sync', needs: ['mqtt', 'database'] },
  { name: 'shadow', needs: ['mqtt'] },
  { name: 'certificates', needs: ['mqtt'], follows: 'mqtt' },
  { name: 'logs', needs: ['keys', 'url'] },
  { name: 'jobs', needs: ['mqtt'] },
  { name: 'update', needs: ['url'] },
];

export interface ServicePlan {
  on: ReadonlySet<ServiceName>;
  serialize: 'auto' | 'factory' | 'none';
  warnings: string[];
}

/**
 * What runs. A service that another needs is forced on, with a warning; one that this build does not contain is one
 * warning, never an error.
 *
 * @param contained names of the services of this build
 */
export function planServices(
  services: Readonly<Record<string, unknown>>,
  contained: ReadonlySet<string>,
): ServicePlan {
  const warnings: string[] = [];
  const serialize = serializeMode(services.serialize, warnings);
  const { serialize: _mode, ...named } = services;
  // A `services` collection says what runs; a device that says nothing gets everything.
  const unnamed = Object.keys(named).length === 0;
  const table = SERVICE_TABLE.filter(({ name }) => contained.has(name));
  const on = new Set<ServiceName>();
  for (const { name } of table) {
    if (name === 'serialize' ? serialize !== 'none' : isOn(services[name] ?? unnamed)) on.add(name);
  }
  if (serialize === 'factory') force('serialize', 'url', on, warnings);
  // From the last to the first, so that what is forced on forces its own needs in turn.
  for (const { name, needs } of [...table].reverse()) {
    if (on.has(name)) for (const needed of needs) force(name, needed, on, warnings);
  }
  for (const { name, follows } of table) {
    if (follows && on.has(follows) && services[name] === undefined) on.add(name);
  }
  for (const [name, value] of Object.entries(named)) {
    if (isOn(value) && !contained.has(name)) {
      warnings.push(`this build does not contain the service ${name}: it stays off`);
    }
  }
  return { on, serialize, warnings };
}

function force(name: ServiceName, needed: ServiceName, on: Set<ServiceName>, warnings: string[]): void {
  if (on.has(needed)) return;
  on.add(needed);
  warnings.push(`the service ${name} needs ${needed}: it was switched on`);
}

function isOn(value: unknown): boolean {
  return value === true || (typeof value === 'string' && !['', 'false', 'off', 'none', 'no'].includes(value));
}

function serializeMode(value: unknown, warnings: string[]): ServicePlan['serialize'] {
  if (value === 'auto' || value === 'factory' || value === 'none') return value;
  if (value === true || value === false) return value ? 'auto' : 'none';
  warnings.push(
    `services.serialize is ${JSON.stringify(value)}, which is none of auto, factory, none: auto is used`,
  );
  return 'auto';
}
