import { CodedError, standardError } from '@ioto/runtime';
import { runProgram } from './cli/program.ts';

/** Milliseconds that a clean end may take; then the process ends anyway. */
const STOP_WITHIN = 4500;

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort(new CodedError('STOPPED', `stopped by ${signal}`));
    setTimeout(() => process.exit(1), STOP_WITHIN).unref();
  });
}

// Who has gone, or a disk that is full, must not end a cloud that serves; a command whose answer is lost has failed.
if (process.argv[2] === 'start') process.stdout.on('error', () => undefined);

const code = await runProgram(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  say: (text) => process.stderr.write(`${text}\n`),
  log: standardError(),
  input: async () => Buffer.concat(await process.stdin.toArray()).toString('utf8'),
  stopping: stopping.signal,
});
process.exit(code);
