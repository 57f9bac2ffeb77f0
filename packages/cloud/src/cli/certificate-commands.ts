import { Option } from 'commander';
import { type AdminCommand, changeOrShow, type Telling } from './admin-command.ts';

type Answer = Record<string, unknown>;

function tellCertificate({ serial, state, expires, revoked, reason }: Answer): Telling {
  const end = revoked ? `${revoked}${reason ? `: ${reason}` : ''}` : `until ${expires}`;
  return { id: String(serial), text: `${state}, ${end}` };
}

export const certificateCommands: readonly AdminCommand[] = [
  {
    usage: 'list <device>',
    summary: 'the certificates of a device, by their serial numbers; the latest first',
    path: '/device/get',
    body: ([id]) => ({ id }),
    tell: ({ certificates }) => ((certificates ?? []) as Answer[]).map(tellCertificate),
  },
  {
    usage: 'revoke <device>',
    summary: 'void what a device connects with, at once; it may ask for another with its identity key',
    options: [new Option('--serial <number>', 'only this certificate; default: all that it has')],
    path: '/device/revoke',
    body: ([id], { serial }) => ({ id, serial }),
    tell: ({ id, revoked }) => {
      const serials = (revoked ?? []) as string[];
      const none = { id: String(id), text: 'nothing was left to be revoked' };
      return serials.length === 0 ? none : serials.map((serial) => ({ id: serial, text: 'revoked' }));
    },
  },
  {
    usage: 'recovery <account>',
    summary: 'whether devices whose certificate ended while they were off come back by themselves',
    options: [new Option('--on', 'let them come back'), new Option('--off', 'let them stay away')],
    path: '/account/update',
    ask: changeOrShow('recoverExpired'),
    body: ([id], { on, off }) => ({ id, ...(on || off ? { recoverExpired: !off } : {}) }),
    tell: ({ id, recoverExpired }) => ({
      id: String(id),
      text: `devices whose certificate ended ${recoverExpired === false ? 'stay away' : 'come back'}`,
    }),
  },
];
