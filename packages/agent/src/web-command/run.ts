import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CodedError } from '@ioto/runtime';
import { LONGEST_PASSWORD, openPasswords, type Passwords } from '../services/web/passwords/password.ts';
import { faultOfPassword } from '../services/web/passwords/suitable.ts';

export interface Terminal {
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stderr: Writable;
}

/**
 * The hash of a password that is typed twice, unseen, or is what standard input holds but for the end of its line. One that
 * the device itself would not take is said to be weak; a maker may want it all the same.
 *
 * @throws USAGE for none, one that is too long, and two that differ.
 */
export async function runPassword(
  { stdin, stderr }: Terminal,
  passwords: Pick<Passwords, 'hash'> = openPasswords(),
): Promise<string> {
  const password = stdin.isTTY ? await askTwice(stdin, stderr) : (await text(stdin)).replace(/\r?\n$/, '');
  if (password === '') throw new CodedError('USAGE', 'web password: there is none');
  if (Buffer.byteLength(password) > LONGEST_PASSWORD) {
    throw new CodedError('USAGE', `web password: it must have ${LONGEST_PASSWORD} bytes or less`);
  }
  const fault = faultOfPassword(password, []);
  if (fault !== undefined) stderr.write(`ioto: a weak password: it ${fault}\n`);
  return passwords.hash(password);
}

async function askTwice(stdin: Readable, stderr: Writable): Promise<string> {
  const unseen = new Writable({ write: (_piece, _encoding, done) => done() });
  const terminal = createInterface({ input: stdin, output: unseen, terminal: true });
  terminal.on('SIGINT', () => terminal.close());
  const lines = terminal[Symbol.asyncIterator]();
  const ask = async (prompt: string) => {
    stderr.write(prompt);
    const { done, value } = await lines.next();
    stderr.write('\n');
    if (done) throw new CodedError('USAGE', 'web password: nothing was typed');
    return value;
  };
  try {
    const password = await ask('Password: ');
    if ((await ask('Again: ')) === password) return password;
    throw new CodedError('USAGE', 'web password: the two are different');
  } finally {
    terminal.close();
  }
}
