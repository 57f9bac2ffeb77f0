import { until } from '@ioto/testkit/until';
import { runProgram } from './program.ts';

export interface Run {
  code: number;
  out: string;
  said: string;
}

/** A command line in this process, as `main.ts` runs it. */
export function launch(args: readonly string[], input = '') {
  const stopping = new AbortController();
  const run: Run = { code: -1, out: '', said: '' };
  const done = runProgram(args, {
    out: (text) => {
      run.out += text;
    },
    say: (text) => {
      run.said += `${text}\n`;
    },
    log: {
      write: (line) => {
        run.said += line;
      },
    },
    input: async () => input,
    stopping: stopping.signal,
  }).then((code) => Object.assign(run, { code }));
  return { run, done, stop: () => stopping.abort(new Error('stopped')) };
}

export const ioto = (args: readonly string[], input?: string): Promise<Run> => launch(args, input).done;

/** A cloud that serves, and the command line of its operator. */
export interface CommandLine {
  /** What it said at its start. */
  started: Run;
  admin(args: readonly string[], input?: string): Promise<Run>;
  stop(): Promise<void>;
}

export async function launchCloud(state: string): Promise<CommandLine> {
  const cloud = launch(['start', '--state', state, '--listen', '127.0.0.1:0', '--quiet']);
  await until('the cloud to serve', () => {
    if (cloud.run.code >= 0) throw new Error(cloud.run.said);
    return cloud.run.out !== '';
  });
  return {
    started: cloud.run,
    admin: (args, input) => ioto([...args, '--state', state], input),
    stop: async () => {
      cloud.stop();
      await cloud.done;
    },
  };
}
