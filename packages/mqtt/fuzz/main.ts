// npm run fuzz -- [--seconds N | --runs N] [--seed S] [--target codec|server] [--replay HEX|FILE]
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '@ioto/runtime';
import { Campaign, type Failure, replay, type Target } from './campaign.ts';

const USAGE = `npm run fuzz -- [--seconds N | --runs N] [--seed S] [--target codec|server] [--replay HEX|FILE]

Feeds the MQTT codec and server with packets that are wrong in many ways. Without --seconds and --runs it goes on until
Ctrl-C; without --seed it takes a new one, and prints it. Exit code 1 when something was found: it is printed as hex,
which --replay runs again.
`;

/** Milliseconds between two lines of progress. */
const PROGRESS = 5000;
/** Bytes that the process may grow by after its first runs. */
const MAY_GROW = 256 * 1024 * 1024;
const WARM_UP = 5000;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<number> {
  const options = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      seconds: options,
      runs: options,
      seed: options,
      target: options,
      replay: options,
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values.replay !== undefined) return await replayed(values.replay);
  const seed = numberOf(values.seed) ?? Math.floor(Math.random() * 2 ** 32);
  const targets = targetsOf(values.target);
  const seconds = numberOf(values.seconds) ?? Number.POSITIVE_INFINITY;
  return await fuzz(seed, targets, seconds, numberOf(values.runs) ?? Number.POSITIVE_INFINITY);
}

async function fuzz(seed: number, targets: Target[], seconds: number, runs: number): Promise<number> {
  say(`fuzzing ${targets.join(' and ')} with --seed ${seed}`);
  const campaign = new Campaign(seed, targets);
  const started = performance.now();
  let reported = started;
  let baseline: number | undefined;
  while (campaign.total < runs && performance.now() - started < seconds * 1000) {
    const failure = await campaign.next();
    if (failure) return report(failure, seed);
    if (campaign.total === WARM_UP) baseline = memoryInUse();
    if (performance.now() - reported < PROGRESS) continue;
    reported = performance.now();
    say(progress(campaign, started));
    const grown = baseline === undefined ? 0 : memoryInUse() - baseline;
    if (grown > MAY_GROW) return leaked(grown, seed);
  }
  say(`${progress(campaign, started)}: nothing found`);
  return 0;
}

function progress({ runs }: Campaign, started: number): string {
  const took = Math.round((performance.now() - started) / 1000);
  return `${took} s: ${runs.codec} inputs for the codec, ${runs.server} conversations with the server`;
}

function memoryInUse(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function leaked(grown: number, seed: number): number {
  say(`FAILED with --seed ${seed}: ${Math.round(grown / 1e6)} MB more are held than after ${WARM_UP} runs`);
  return 1;
}

function report({ message, stack, reproduction }: Failure, seed: number): number {
  say(
    `FAILED with --seed ${seed}: ${message}\n${stack ?? ''}\n\nnpm run fuzz -- --replay ${reproduction.toString('hex')}`,
  );
  return 1;
}

async function replayed(source: string): Promise<number> {
  const hex = existsSync(source) ? readFileSync(source, 'utf8') : source;
  const error = await replay(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
  if (error === undefined) say('nothing is wrong with it');
  else say(`FAILED: ${error instanceof Error ? error.stack : messageOf(error)}`);
  return error === undefined ? 0 : 1;
}

function targetsOf(name: string | undefined): Target[] {
  if (name === undefined) return ['codec', 'server'];
  if (name === 'codec' || name === 'server') return [name];
  throw new Error(`--target ${name}: codec or server`);
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number) || number < 0) throw new Error(`${text} is no number`);
  return number;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n\n${USAGE}`);
    process.exit(2);
  },
);
