import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isClaimId } from '@ioto/protocol';
import { silentLogger } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import { Directory } from '../../../test/world.ts';
import type { AgentOptions } from '../../agent.ts';
import { createAgent } from '../../build-agent.ts';

/** A device without a cloud, started and stopped; what it said of its ID. */
async function serialize(
  directory: Directory,
  settings: Record<string, unknown>,
  options: AgentOptions = {},
) {
  const agent = createAgent({
    config: directory.path,
    state: directory.at('state'),
    logger: silentLogger,
    ...options,
    settings: { web: { listen: [] }, ...settings },
  });
  let told: unknown;
  agent.on('device:serialized', (facts) => {
    told = facts;
  });
  await agent.start();
  const id = agent.status.id;
  await agent.stop();
  return { id, told };
}

const only = (mode: string) => ({ services: { serialize: mode, url: true } });

describe('serialization', () => {
  it("'auto' makes a claim ID by itself, once, and keeps it in device.json5", async () => {
    await using directory = await Directory.create();
    const first = await serialize(directory, { ...only('auto'), serialize: { length: 16 } });
    expect(isClaimId(first.id)).toBe(true);
    expect(first.id).toHaveLength(16);
    expect(first.told).toMatchObject({ source: 'generated' });
    expect(JSON.parse(await directory.read('state', 'config', 'device.json5'))).toEqual({ id: first.id });
    const second = await serialize(directory, only('auto'));
    expect(second).toMatchObject({ id: first.id, told: { source: 'file' } });
  });

  it("'factory' asks a factory service and takes the ID, and whatever else it says, from its answer", async () => {
    await using directory = await Directory.create();
    await writeFile(directory.at('device.json5'), `{ product: 'P', serial: 'SN-1' }`);
    const asked: unknown[] = [];
    const factory = createServer((request, response) => {
      let body = '';
      request.on('data', (text) => {
        body += text;
      });
      request.on('end', () => {
        asked.push(JSON.parse(body), request.method);
        response.end('{ "id": "JT08FFQXWQ", "name": "From the line" }');
      });
    });
    await new Promise<void>((resolve) => factory.listen(0, '127.0.0.1', resolve));
    const { port } = factory.address() as AddressInfo;
    const settings = { ...only('factory'), api: { serialize: `http://127.0.0.1:${port}/serialize` } };
    const first = await serialize(directory, settings);
    const second = await serialize(directory, settings);
    factory.close();
    expect(first).toMatchObject({ id: 'JT08FFQXWQ', told: { source: 'factory', product: 'P' } });
    expect(second).toMatchObject({ id: 'JT08FFQXWQ', told: { source: 'file' } });
    expect(asked).toEqual([{ product: 'P', serial: 'SN-1' }, 'POST']);
    expect(JSON.parse(await directory.read('state', 'config', 'device.json5'))).toEqual({
      id: 'JT08FFQXWQ',
      name: 'From the line',
    });
  });

  it("'factory' runs a command that prints an ID or an object", async () => {
    await using plain = await Directory.create();
    const bare = await serialize(plain, { ...only('factory'), scripts: { serialize: 'echo jt08f-fqxwq' } });
    expect(bare).toMatchObject({ id: 'JT08FFQXWQ', told: { source: 'command' } });
    await using rich = await Directory.create();
    const command = `echo '{ "claim": "JT08FFQXWR", "product": "P2" }'`;
    const object = await serialize(rich, { ...only('factory'), scripts: { serialize: command } });
    expect(object).toMatchObject({ id: 'JT08FFQXWR', told: { product: 'P2' } });
  });

  it("'factory' fails clearly when its factory does", async () => {
    await using directory = await Directory.create();
    const failing = (settings: object) => serialize(directory, { ...only('factory'), ...settings });
    await expect(failing({ scripts: { serialize: 'exit 3' } })).rejects.toThrow(
      'scripts.serialize: exit code 3',
    );
    await expect(failing({ scripts: { serialize: 'echo nonsense' } })).rejects.toMatchObject({
      code: 'SERIALIZE_FAILED',
    });
    await expect(failing({ api: { serialize: 'http://127.0.0.1:1/' } })).rejects.toMatchObject({
      code: 'SERIALIZE_FAILED',
    });
    await expect(failing({})).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it("'none' takes the ID of device.json5 and does without where there is none", async () => {
    await using directory = await Directory.create();
    expect(await serialize(directory, only('none'))).toEqual({ id: undefined, told: undefined });
    await writeFile(directory.at('device.json5'), `{ id: 'JT08FFQXWQ' }`);
    expect(await serialize(directory, only('none'))).toMatchObject({ id: 'JT08FFQXWQ' });
  });

  it("keeps an ID that was asked for, in the file's own spelling and with its comments", async () => {
    await using directory = await Directory.create();
    await mkdir(directory.at('state', 'config'), { recursive: true });
    const path = directory.at('state', 'config', 'device.json5');
    await writeFile(path, `{\n  // from the label\n  claim: '0123456789',\n  name: 'x',\n}\n`);
    const { id, told } = await serialize(directory, only('auto'), { id: 'jt08f fqxwq' });
    expect(id).toBe('JT08FFQXWQ');
    expect(told).toMatchObject({ source: 'options' });
    const text = await directory.read('state', 'config', 'device.json5');
    expect(text).toContain('// from the label');
    expect(text).toContain(`claim: 'JT08FFQXWQ'`);
    expect(text).not.toMatch(/\bid\b/);
  });
});
