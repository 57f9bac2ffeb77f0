import { describe, expect, it } from 'vitest';
import { parseCommandLine } from './parse-command-line.ts';
import { readPlainRun } from './plain-run.ts';

const words = (line: string) => line.split(' ').filter(Boolean);

describe('arguments as a device is started with', () => {
  it.each([
    '',
    '--state /s --config /c',
    '--id JT08FFQXWQ --product P --builder https://b/api --profile prod --reset --verbose',
    '--account A --cloud C --exit ready --sync both --timeouts',
    '--exit 2.5 --trace stdout:warn,error --show HBhb --nosave --home /h --ioto f.json5',
    '--background --state /s --quiet',
    '--debug --length 16',
    '--gen --length 20',
    '--state one --state two',
  ])('"%s" are read as the library reads them', (line) => {
    const args = words(line);
    expect(readPlainRun(args)).toEqual(parseCommandLine(args, '1.2.3'));
  });

  it.each([
    'wake',
    'db models',
    '--state /s wake',
    '--help',
    '--version',
    '--state=/s',
    '--state',
    '--state --reset',
    '--stat /s',
    '--nonsense',
    '--exit never',
    '--sync sideways',
    '--trace x:loud',
    '--account A',
    '--length 3',
    '-- x',
  ])('"%s" are left to the library', (line) => {
    expect(readPlainRun(words(line))).toBeUndefined();
  });
});
