import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { TempDirectory } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfLoading } from './self-loader.ts';

let directory: TempDirectory;
beforeAll(async () => {
  directory = await TempDirectory.create();
});
afterAll(() => directory[Symbol.asyncDispose]());

function run(file: string, environment: Record<string, string> = {}): string {
  return execFileSync(process.execPath, [file, 'argument'], { env: environment, encoding: 'utf8' });
}

const TELLS =
  'process.stdout.write(JSON.stringify([process.argv[2],require.main===module,iotoUrl,__filename]))';

describe('a file that loads itself', () => {
  it('runs as the main program, and knows its arguments and its place', () => {
    const file = directory.at('plain.cjs');
    writeFileSync(file, selfLoading(TELLS));
    expect(JSON.parse(run(file))).toEqual(['argument', true, `file://${file}`, file]);
  });

  it('runs a program of several lines, with comments and ends of comments in them', () => {
    const file = directory.at('lines.cjs');
    writeFileSync(file, selfLoading('const text=`a\n//b\n*/ c`;\n/* \n */process.stdout.write(text)\n'));
    expect(run(file)).toBe('a\n//b\n*/ c');
  });

  it('writes its cache only when it is told to, and runs with it', () => {
    const file = directory.at('cached.cjs');
    writeFileSync(file, selfLoading(TELLS));
    const told = run(file);
    expect(existsSync(`${file}.cache`)).toBe(false);
    expect(run(file, { IOTO_CODE_CACHE: 'run' })).toBe(told);
    expect(existsSync(`${file}.cache`)).toBe(true);
    expect(run(file)).toBe(told);
  });

  it('is only compiled where nobody knows how to start it', () => {
    const file = directory.at('compiled.cjs');
    writeFileSync(file, selfLoading(TELLS));
    expect(run(file, { IOTO_CODE_CACHE: 'compile' })).toBe('');
    expect(JSON.parse(run(file))).toHaveLength(4);
  });

  it('does without a cache that is of another program', () => {
    const [file, other] = [directory.at('this.cjs'), directory.at('other.cjs')];
    writeFileSync(file, selfLoading("process.stdout.write('this')"));
    writeFileSync(other, selfLoading("process.stdout.write('that')"));
    run(other, { IOTO_CODE_CACHE: 'run' });
    writeFileSync(`${file}.cache`, readFileSync(`${other}.cache`));
    expect(run(file)).toBe('this');
  });
});
