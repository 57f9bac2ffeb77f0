import { mkdir, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { Directory } from '../../../test/world.ts';
import { createAgent } from '../../build-agent.ts';

it('a schema that lies beside ioto.json5 and is named without @config is not found, and the error says how', async () => {
  await using directory = await Directory.create();
  const config = directory.at('config');
  await mkdir(config);
  await writeFile(directory.at('config', 'own.json5'), '{}');
  const settings = (schema: string) => ({ services: { database: true }, database: { schema } });
  const start = async (schema: string) => {
    const agent = createAgent({ config, state: directory.at('state'), settings: settings(schema) });
    await agent.start();
    await agent.stop();
  };
  await expect(start('own.json5')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining("Did you mean '@config/own.json5'?"),
  });
  await expect(start('nowhere.json5')).rejects.toThrow(/there is no file .*nowhere\.json5$/);
  await start('@config/own.json5');
});
