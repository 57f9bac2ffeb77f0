import { CLAIM_ID_LENGTH } from '@ioto/protocol';
import { parseTrace } from '../program/trace.ts';
import { EXIT_EVENTS, type ExitEvent, type RunFlags } from './invocation.ts';

/** One option of the program itself. */
export interface RunOption {
  name: keyof RunFlags;
  /** What its value is called; an option without one takes no value. */
  value?: string;
  description: string;
  choices?: readonly string[];
  default?: unknown;
  /** Default: the text as it is. Throws what is wrong with the text, as one sentence. */
  read?(text: string): unknown;
}

/** In the order of the help. */
export const RUN_OPTIONS: readonly RunOption[] = [
  { name: 'config', value: 'dir', description: 'directory of ioto.json5 and its companions; only read' },
  {
    name: 'state',
    value: 'dir',
    description: 'directory of everything the agent writes (default: directories.state, else state)',
  },
  { name: 'id', value: 'id', description: 'claim ID of this device; kept in device.json5' },
  { name: 'product', value: 'id', description: 'product ID, the registration token' },
  { name: 'builder', value: 'url', description: "base of the builder's API, such as https://HOST/api" },
  { name: 'account', value: 'id', description: 'self-claim: the account to belong to; needs --cloud' },
  { name: 'cloud', value: 'id', description: 'self-claim: the cloud of that account' },
  {
    name: 'profile',
    value: 'name',
    description: 'conditional set of the configuration (default: IOTO_PROFILE, PROFILE, the file)',
  },
  {
    name: 'reset',
    description: 'forget provisioning, certificate and database first; claim ID and identity key stay',
  },
  {
    name: 'exit',
    value: 'phase',
    description: `exit 0 when it is reached or passed: ${Object.keys(EXIT_EVENTS).join(', ')}; or after so many seconds`,
    read: exitEvent,
  },
  { name: 'ioto', value: 'file', description: "the maker's main file, instead of ioto.json5 in --config" },
  {
    name: 'home',
    value: 'dir',
    description: 'change to this directory first; relative paths count from it',
  },
  {
    name: 'background',
    description: 'run away from the terminal: prints its process ID once local services run',
  },
  {
    name: 'nosave',
    description: 'keep nothing: works on a copy of the state that is removed at the end',
  },
  {
    name: 'show',
    value: 'letters',
    description: 'show traffic with clouds: H and B heads and bodies that go out, h and b those that come in',
    read: shownLetters,
  },
  {
    name: 'sync',
    value: 'direction',
    description: 'send everything up, ask for everything, or both, once connected',
    choices: ['up', 'down', 'both'],
  },
  { name: 'timeouts', description: 'wait for ever where a timeout would end it, for debugging' },
  {
    name: 'trace',
    value: 'file[:levels]',
    description: 'append the log to a file (or stdout, stderr), of these levels: debug,info,warn,error',
    read: parseTrace,
  },
  { name: 'gen', description: 'print a new claim ID and exit' },
  {
    name: 'length',
    value: 'n',
    description: 'letters of the claim ID that --gen prints; 16 are 80 bits',
    default: CLAIM_ID_LENGTH.default,
    read: claimIdLength,
  },
  { name: 'verbose', description: 'log every step' },
  { name: 'debug', description: 'log everything, and show where an error came from' },
  { name: 'quiet', description: 'log errors only' },
];

function shownLetters(letters: string): string {
  if (/^[HBhb]+$/.test(letters)) return letters;
  throw new Error('It must be letters of HBhb.');
}

function exitEvent(phase: string): ExitEvent | number {
  if (/^\d+(\.\d+)?$/.test(phase)) return Number(phase) * 1000;
  const known = Object.entries(EXIT_EVENTS).find(([name, event]) => name === phase || event === phase);
  if (known) return known[1];
  throw new Error(`It must be a number of seconds, or one of ${Object.keys(EXIT_EVENTS).join(', ')}.`);
}

function claimIdLength(text: string): number {
  const { min, max } = CLAIM_ID_LENGTH;
  if (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  throw new Error(`It must be a number from ${min} to ${max}.`);
}
