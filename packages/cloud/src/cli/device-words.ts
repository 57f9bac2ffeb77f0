import type { EndpointNotes } from '../devices/connection-history.ts';
import type { ShownCertificate } from '../devices/device-directory.ts';
import type { SyncSummary } from '../sync/hello/confirmed.ts';
import type { Telling } from './admin-command.ts';

type Answer = Record<string, unknown>;

/** A device of a list: one line. */
export function tellDevice({ id, name, connection, accountId, product }: Answer): Telling {
  const facts = [name, connection, product && `product ${product}`, accountId && `account ${accountId}`];
  return { id: String(id), text: facts.filter(Boolean).join(', ') };
}

/** All that the cloud knows of a device: a line for each fact. */
export function tellDeviceInFull(device: Answer): Telling {
  const { id, name, description, model, connection, accountId, product, reported } = device;
  const { lastDisconnect, limits = {} } = (device.endpoint ?? {}) as EndpointNotes;
  const certificates = (device.certificates ?? []) as ShownCertificate[];
  const lines: [string, unknown][] = [
    ['name', name],
    ['description', description],
    ['model', model],
    ['product', product],
    ['account', accountId],
    ['connection', connection],
    [
      'disconnected',
      lastDisconnect && `${lastDisconnect.at}, ${lastDisconnect.detail ?? lastDisconnect.reason}`,
    ],
    ...Object.entries(limits).map(([limit, { count, last }]): [string, string] => [
      'limit',
      `${limit}: exceeded ${count} time${count === 1 ? '' : 's'}, the last at ${last}`,
    ]),
    ['described itself', reported],
    ...syncLines(device.sync as SyncSummary | undefined),
    ...certificates.map((each): [string, string] => ['certificate', certificateInWords(each)]),
  ];
  const known = lines.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(0, ...known.map(([of]) => of.length));
  return { id: String(id), text: known.map(([of, value]) => `${of.padEnd(width)}  ${value}`).join('\n') };
}

/** Whether the cloud has what the device has, in words. */
function syncLines(sync: SyncSummary | undefined): [string, string][] {
  if (!sync) return [];
  const { pending, at, since, through, latest, lost, checked } = sync;
  const gone = Object.entries(lost).filter(([, count]) => count > 0);
  const waiting = pending === 1 ? '1 change waits' : `${pending} changes wait`;
  return [
    ['sync', pending === 0 ? `in step at ${at}` : `${waiting} since ${since ?? at}`],
    ['confirmed', `through ${through} of ${latest}, the latest that the device told of`],
    ...(gone.length > 0
      ? [['given up', gone.map(([model, count]) => `${count} of ${model}`).join(', ')] as [string, string]]
      : []),
    ...(checked === undefined ? [] : [['compared', `${checked}, and found the same`] as [string, string]]),
  ];
}

function certificateInWords({ serial, state, expires, used, reason }: ShownCertificate): string {
  const first = used === undefined ? 'never used' : `first used ${used}`;
  return `${serial}, ${state}${reason ? ` (${reason})` : ''}, until ${expires}, ${first}`;
}
