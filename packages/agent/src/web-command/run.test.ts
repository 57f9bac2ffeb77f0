import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { cheapPasswords } from '../services/web/passwords/cheap-passwords.fixture.ts';
import { runPassword } from './run.ts';

const passwords = cheapPasswords();
const signIn = (password: string) => ({ username: 'ann', realm: 'ioto', password });

async function run(typed: string, isTTY = false) {
  const stdin = Object.assign(isTTY ? new PassThrough() : Readable.from([Buffer.from(typed)]), { isTTY });
  const stderr = new PassThrough();
  if (stdin instanceof PassThrough) for (const line of typed.split('\n')) stdin.write(`${line}\n`);
  const hash = runPassword({ stdin, stderr }, passwords).finally(() => stderr.end());
  const [result, said] = await Promise.all([hash.catch((error: Error) => error), text(stderr)]);
  return { result, said };
}

describe('ioto web password', () => {
  it('makes a hash of what standard input holds, but for the end of the line', async () => {
    const { result, said } = await run('correct horse\r\n');
    expect(await passwords.verify(String(result), signIn('correct horse'))).toEqual({ isRight: true });
    expect(said).toBe('');
  });

  it('takes a weak one, and says so', async () => {
    const { result, said } = await run('short\n');
    expect(String(result)).toMatch(/^\$argon2id\$/);
    expect(said).toBe('ioto: a weak password: it must have 10 characters or more\n');
  });

  it('asks a person twice, and shows nothing of what is typed', async () => {
    const { result, said } = await run('correct horse\ncorrect horse', true);
    expect(await passwords.verify(String(result), signIn('correct horse'))).toEqual({ isRight: true });
    expect(said).toBe('Password: \nAgain: \n');
  });

  it.each([
    ['\n', false, 'there is none'],
    ['x'.repeat(1025), false, '1024 bytes or less'],
    ['correct horse\ncorrect house', true, 'the two are different'],
  ])('refuses %j', async (typed, isTTY, problem) => {
    const { result } = await run(typed, isTTY);
    expect(result).toMatchObject({ code: 'USAGE', message: expect.stringContaining(problem) });
  });
});
