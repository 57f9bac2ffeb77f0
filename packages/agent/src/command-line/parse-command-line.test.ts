import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../exit-code.ts';
import { eventsFrom } from './invocation.ts';
import { parseCommandLine } from './parse-command-line.ts';

const parse = (line: string) => parseCommandLine(line.split(' ').filter(Boolean), '1.2.3');

describe('the command line of ioto', () => {
  it('runs an agent with its options', () => {
    expect(
      parse(
        '--state /s --config /c --id JT08FFQXWQ --product P --builder https://b/api --profile prod --reset',
      ),
    ).toEqual({
      command: 'run',
      options: {
        state: '/s',
        config: '/c',
        id: 'JT08FFQXWQ',
        product: 'P',
        builder: 'https://b/api',
        profile: 'prod',
        reset: true,
      },
      level: undefined,
      exit: undefined,
      debug: false,
    });
  });

  it('waits for a phase, by its short name or as an event', () => {
    expect(parse('--exit ready')).toMatchObject({ exit: 'cloud:ready' });
    expect(parse('--exit mqtt:connected')).toMatchObject({ exit: 'mqtt:connected' });
  });

  it('waits for so many seconds', () => {
    expect(parse('--exit 2.5')).toMatchObject({ exit: 2500 });
  });

  it('runs in the background with the same arguments but that one', () => {
    expect(parse('--state /s --background --quiet')).toMatchObject({
      background: ['--state', '/s', '--quiet'],
      options: { state: '/s' },
    });
  });

  it('logs the levels of a trace, from the most talkative of them on', () => {
    const trace = { file: 'x.log', levels: new Set(['debug', 'error']) };
    expect(parse('--trace x.log:debug,error')).toMatchObject({ level: 'debug', trace });
    expect(parse('--trace x.log')).toMatchObject({ level: undefined, trace: { levels: undefined } });
  });

  it('takes a later phase for an earlier one, which a device that resumes has behind it', () => {
    expect(eventsFrom('device:provisioned')).toEqual(['device:provisioned', 'mqtt:connected', 'cloud:ready']);
  });

  it('logs as much as it is told to', () => {
    expect(parse('--quiet')).toMatchObject({ level: 'error' });
    expect(parse('--verbose')).toMatchObject({ level: 'debug', debug: false });
    expect(parse('--debug')).toMatchObject({ level: 'debug', debug: true });
  });

  it('makes claim IDs of a settable length', () => {
    expect(parse('--gen')).toEqual({ command: 'generate', length: 10 });
    expect(parse('--gen --length 16')).toEqual({ command: 'generate', length: 16 });
  });

  it('wakes the agent of a state directory, named before or after', () => {
    expect(parse('wake --state /s')).toMatchObject({ command: 'wake', options: { state: '/s' } });
    expect(parse('--state /s wake')).toMatchObject({ command: 'wake', options: { state: '/s' } });
  });

  it('makes the hash of a password, when it is told what of the web server is to be made', () => {
    expect(parse('web password')).toEqual({ command: 'web' });
    expect(() => parse('web')).toThrow(/web: say what is to be made/);
  });

  it('prints its version and its help', () => {
    expect(parse('--version')).toEqual({ command: 'print', text: '1.2.3\n' });
    expect(parse('--help')).toMatchObject({
      command: 'print',
      text: expect.stringContaining('--builder <url>'),
    });
  });

  it('names a command that it does not know', () => {
    expect(() => parse('frobnicate')).toThrow("unknown command 'frobnicate'");
    expect(() => parse('wake up')).toThrow("too many arguments for 'wake'");
  });

  for (const line of ['--nonsense', '--length 9', '--exit soon', 'sleep', '--account a', '--state']) {
    it(`refuses "${line}" in one line, with exit code 2`, () => {
      let thrown: unknown;
      try {
        parse(line);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'USAGE', message: expect.not.stringContaining('\n') });
      expect(exitCodeOf(thrown)).toBe(2);
    });
  }
});
