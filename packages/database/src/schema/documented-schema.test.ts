import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileSchema } from './compile.ts';
import { completeSchema } from './complete-schema.ts';
import { readSchema } from './read-schema.ts';

const page = fileURLToPath(new URL('../../../../docs/schemas.md', import.meta.url));

describe('the example of docs/schemas.md', () => {
  it('is a schema, whose readings go up and leave the device', async () => {
    const [, text = ''] = /```json5\n(.*?)```/s.exec(await readFile(page, 'utf8')) ?? [];
    const schema = compileSchema(completeSchema(await readSchema('schema.json5', async () => text)));
    expect(schema.model('Reading')).toMatchObject({
      sync: 'up',
      keyVariables: expect.arrayContaining(['id']),
    });
    expect([...schema.models.keys()]).toContain('Store');
  });
});
