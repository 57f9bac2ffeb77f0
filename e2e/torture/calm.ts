import { isDeepStrictEqual } from 'node:util';
import { until } from '@ioto/testkit';
import { fieldNames, type Held } from './ledger.ts';
import { itemName, type Torture } from './torture.ts';
import type { TorturedDevice } from './tortured-device.ts';

/** Milliseconds within which all must be in step once all run and all links work. */
const PATIENCE = 40_000;
const MODELS = ['Reading', 'Order', 'Setting', 'Panel'] as const;

/** Items by their names in the ledger. */
type Table = Map<string, Record<string, unknown>>;

/**
 * Waits until all are in step, and compares what the devices and the cloud have with each other and with what was promised.
 *
 * @throws with all that is wrong.
 */
export async function checkCalm(torture: Torture): Promise<void> {
  const problems: string[] = [];
  let found: Comparison = { unsettled: [], held: new Map() };
  await until(
    'all to be in step',
    async () => {
      found = await compare(torture);
      return found.unsettled.length === 0;
    },
    { timeout: PATIENCE, every: 300 },
  ).catch((error: Error) => {
    problems.push(`after ${PATIENCE} ms of calm: ${found.unsettled.join('\n')} ${error.cause ?? ''}`);
  });
  problems.push(...(await notKept(torture, found.held)), ...(await commandProblems(torture)));
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

interface Comparison {
  /** In words, what is not the same everywhere, or does not say that it is. */
  unsettled: string[];
  held: Map<string, Held>;
}

async function compare(torture: Torture): Promise<Comparison> {
  const { devices } = torture;
  const held = new Map<string, Held>();
  const unsettled = (await Promise.all(devices.map((device) => notSynced(torture, device)))).flat();
  if (unsettled.length > 0) return { unsettled, held };
  await Promise.all(
    devices.map(async (device) => {
      const [own, cloud] = await Promise.all([onDevice(device), inCloud(torture, device)]);
      for (const name of new Set([...own.keys(), ...cloud.keys()])) {
        const [here, there] = [own.get(name), cloud.get(name)];
        // The hidden times of the fields are on the device, which has the same item.
        const times = here?._times as Held['times'];
        if (there) held.set(name, { fields: there, updated: String(there.updated), times });
        if (isDeepStrictEqual(shown(here), shown(there))) continue;
        unsettled.push(
          `${name} of ${device.id}: ${JSON.stringify(here)}, in the cloud ${JSON.stringify(there)}`,
        );
      }
    }),
  );
  return { unsettled, held };
}

async function notSynced({ world }: Torture, device: TorturedDevice): Promise<string[]> {
  const { size, latest } = await device.ask('outbox');
  if (size !== 0) return [`${device.id}: ${size} wait in the outbox`];
  const { json } = await world.adminCall('/device/get', { id: device.id });
  const { sync } = json as { sync?: Record<string, unknown> };
  // It speaks only of what it has for the cloud; its own numbers go on.
  if (sync?.pending === 0 && sync.through === sync.latest && Number(sync.latest) <= Number(latest)) return [];
  return [`${device.id}: the cloud says ${JSON.stringify(sync)}, the device is at ${latest}`];
}

async function notKept({ devices, ledger, world }: Torture, held: Map<string, Held>): Promise<string[]> {
  const gone = ledger.items.filter((item) => !held.has(item));
  const removals = await removalsOf(devices, gone);
  const missing = ledger.missing((item) => held.get(item) ?? { updated: removals.get(item) });
  if (missing.length === 0) return [];
  const conflicts = await Promise.all(
    devices.map(async ({ id }) => (await world.adminCall('/device/conflicts', { id })).text),
  );
  const logged = conflicts.join();
  return missing.filter(({ value, updated }) => !logged.includes(value ?? updated)).map(({ words }) => words);
}

/** When the items were removed, as far as a device remembers it. */
async function removalsOf(
  devices: readonly TorturedDevice[],
  items: readonly string[],
): Promise<Map<string, string>> {
  const removals = new Map<string, string>();
  for (const item of items) {
    const [model = '', name, deviceId] = item.split('/');
    for (const device of devices) {
      if (deviceId !== undefined && deviceId !== device.id) continue;
      const { removedAt } = await device.ask('look', { model, properties: { name } });
      if (typeof removedAt === 'string' && removedAt > (removals.get(item) ?? ''))
        removals.set(item, removedAt);
    }
  }
  return removals;
}

/** Every accepted Command is acted on at most once; a death between its journal and the act is all that may lose one. */
async function commandProblems({ devices, owner, world }: Torture): Promise<string[]> {
  const problems: string[] = [];
  for (const device of devices) {
    const ids = [...owner.commands].flatMap(([id, deviceId]) => (deviceId === device.id ? [id] : []));
    const unheard = async () => (await device.ask('acted', { ids: ids.slice(-500) })).unknown as string[];
    await until(`${device.id} to have its Commands`, async () => (await unheard()).length === 0, {
      timeout: PATIENCE,
      every: 200,
    }).catch(async () => {
      const words = (await unheard()).map(async (id) => {
        const { status } = await world.adminCall('/generic/get', {
          ...{ _type: 'Command', id, deviceId: device.id, accountId: world.owner.accountId },
        });
        return `${id} (${status === 200 ? 'still' : 'no more'} in the cloud)`;
      });
      problems.push(`${device.id} never acted on ${(await Promise.all(words)).join(', ')}`);
    });
    const acted = await device.acted();
    const twice = [...acted].filter(([, times]) => times > 1);
    if (twice.length > 0) problems.push(`${device.id} acted more than once on ${JSON.stringify(twice)}`);
    const left = ids.filter((id) => !acted.has(id));
    if (left.length > device.kills) problems.push(`${device.id} did not come to act on ${left.join(', ')}`);
  }
  return problems;
}

async function onDevice(device: TorturedDevice): Promise<Table> {
  return tableOf(await device.exported(MODELS), device);
}

/** What the cloud has that the device is to have, too. */
async function inCloud({ world }: Torture, device: TorturedDevice): Promise<Table> {
  const pages = MODELS.map(async (model) => {
    const owned = model === 'Reading' ? { deviceId: device.id } : {};
    const body = { _type: model, accountId: world.owner.accountId, limit: 1000, ...owned };
    const { status, text, json } = await world.adminCall('/generic/find', body);
    if (status !== 200) throw new Error(`find: ${status} ${text}`);
    return json.items as Record<string, unknown>[];
  });
  return tableOf((await Promise.all(pages)).flat(), device);
}

function tableOf(items: readonly Record<string, unknown>[], device: TorturedDevice): Table {
  return new Map(items.map((item) => [itemName(String(item._type), String(item.name), device), item]));
}

function shown(item: Record<string, unknown> | undefined): object | undefined {
  const names = ['updated', ...fieldNames(String(item?._type))];
  return item && Object.fromEntries(names.map((name) => [name, item[name]]));
}
