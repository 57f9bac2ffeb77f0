import { parseArgs } from 'node:util';
import { CodedError, messageOf } from '@ioto/runtime';

export interface DemoOptions {
  /** Directory of all state, `cloud` and `device` below it. */
  state: string;
  /** Port of the cloud on this machine; the device's web server takes the next. 0 takes free ones. */
  port: number;
  /** Exit when the device is ready. */
  once: boolean;
  /** Claim the device as the demo user; else wait for somebody to. */
  claim: boolean;
}

export const usage = `usage: npm start -- [options]
  --state DIR   all state of cloud and device (default .ioto)
  --port N      port of the cloud (default 8443); the device's web server takes N+1
  --once        exit when the device is ready
  --no-claim    do not claim the device: do it by hand
`;

/** @throws OPTION_INVALID in one line that names the option. */
export function parseOptions(args: readonly string[]): DemoOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_534) {
    throw new CodedError('OPTION_INVALID', `--port ${values.port}: give a port from 0 to 65534`);
  }
  if (values.state === '') throw new CodedError('OPTION_INVALID', '--state needs a directory');
  return { state: values.state, port, once: values.once, claim: !values['no-claim'] };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        state: { type: 'string', default: '.ioto' },
        port: { type: 'string', default: '8443' },
        once: { type: 'boolean', default: false },
        'no-claim': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new CodedError('OPTION_INVALID', messageOf(error), { cause: error });
  }
}
