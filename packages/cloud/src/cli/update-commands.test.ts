import { createHash, createPublicKey } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { isImageSigned } from '@ioto/protocol';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, ioto, launchCloud } from './command-line.fixture.ts';

let directory: TempDirectory;
let line: CommandLine;
const image = Buffer.alloc(5 * 1024 ** 2, 'software');

beforeAll(async () => {
  directory = await TempDirectory.create();
  line = await launchCloud(directory.at('cloud'));
  await writeFile(directory.at('image'), image);
});
afterAll(async () => {
  await line.stop();
  await directory[Symbol.asyncDispose]();
});

const update = (...args: string[]) => line.admin(['update', ...args]);
const publish = (version: string, ...args: string[]) =>
  update('publish', version, directory.at('image'), '--product', 'P', ...args);

describe('ioto-cloud update', () => {
  it('makes a key that stays with the maker, and signs with it', async () => {
    const key = directory.at('maker.key');
    const made = await ioto(['update', 'keygen', key]);
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^-----BEGIN PUBLIC KEY/) });
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    expect(made.out + made.said).not.toContain((await readFile(key, 'utf8')).split('\n')[1]);
    expect((await ioto(['update', 'keygen', key])).said).toContain('exists already');

    const facts = { product: 'P', version: '1.0.0' };
    const args = ['sign', '1.0.0', directory.at('image'), '--product', 'P', '--key', key];
    const signed = await ioto(['update', ...args]);
    const sha256 = createHash('sha256').update(image).digest('hex');
    const trusted = [createPublicKey(made.out)];
    expect(isImageSigned({ ...facts, size: image.length, sha256 }, signed.out.trim(), trusted)).toBe(true);

    await writeFile(directory.at('signature'), signed.out);
    const first = await publish('1.0.0', '--signature', `@${directory.at('signature')}`);
    expect(first).toMatchObject({
      code: 0,
      out: '1.0.0\n',
      said: expect.stringContaining('5242880 bytes, signed, enabled'),
    });
    const second = await publish('1.1.0', '--key', key, '--policy', 'beta', '--disabled');
    expect(second.said).toContain('signed, disabled, for beta');
    const { items } = JSON.parse((await update('find', '--product', 'P', '--json')).out);
    expect(items.map(({ version }: { version: string }) => version)).toEqual(['1.0.0', '1.1.0']);
    expect(
      isImageSigned({ ...facts, version: '1.1.0', size: image.length, sha256 }, items[1].signature, trusted),
    ).toBe(true);
  });

  it('lets the operator say which devices an update is for, and take it back', async () => {
    await publish('2.0.0', '--unsigned', '--description', 'Better');
    expect((await update('disable', '2.0.0', '--product', 'P')).said).toContain(
      'Better (of P, 5242880 bytes, not signed, disabled',
    );
    expect((await update('enable', '2.0.0', '--product', 'P')).said).toContain('enabled, for every device');
    expect((await update('change', '2.0.0', '--product', 'P', '--policy', "model == 'L2'")).said).toContain(
      "for model == 'L2'",
    );
    expect(await update('remove', '2.0.0', '--product', 'P')).toMatchObject({
      code: 0,
      out: '2.0.0\n',
      said: '  removed\n',
    });
    expect((await update('find')).out).not.toContain('2.0.0');
  });

  it.each([
    [['publish', '3.0.0', 'IMAGE'], 'say how the image is signed'],
    [['publish', '3.0.0', 'nowhere', '--unsigned'], 'cannot read nowhere (ENOENT)'],
    [['publish', '3.0.0', '/dev/null', '--unsigned'], 'is empty'],
    [['publish', 'three', 'IMAGE', '--unsigned'], 'is no version such as 1.2.3'],
    [['publish', '3.0.0', 'IMAGE', '--key', 'IMAGE'], 'holds no Ed25519 private key'],
    [['publish', '3.0.0', 'IMAGE', '--signature', 'x'], '64 bytes in base64'],
    [['publish', '3.0.0', 'IMAGE', '--signature', '@nowhere'], 'cannot read nowhere'],
    [['publish', '3.0.0', 'IMAGE', '--unsigned', '--policy', 'a ='], 'policy: "=" at column 3'],
    [['enable', '9.9.9'], 'no version 9.9.9'],
    [['remove', '9.9.9'], 'no version 9.9.9'],
  ])('%j is refused in one line that tells why', async (args, why) => {
    const given = args.map((arg) => (arg === 'IMAGE' ? directory.at('image') : arg));
    const { code, out, said } = await update(...given, '--product', 'P');
    expect({ failed: code > 0, out }).toEqual({ failed: true, out: '' });
    expect(said.trim().split('\n').at(-1)).toContain(why);
  });
});
