import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as protocol from '@ioto/protocol';
import fc from 'fast-check';
import { Type as LibraryType, type TSchema } from 'typebox';
import * as library from 'typebox/value';
import { describe, expect, it, test } from 'vitest';
import { agentSchema } from '../../config.ts';
import { KNOWN_OPTIONS, type Schema, Type } from './typebox.ts';
import * as standIn from './typebox-value.ts';

const PACKAGES = fileURLToPath(new URL('../../../../', import.meta.url));

/** Every schema that the two ends share, and the agent's settings: as the library makes them. */
const SCHEMAS = Object.entries<unknown>({ ...protocol, agentSchema }).filter(
  (entry): entry is [string, TSchema & object] =>
    typeof entry[1] === 'object' && entry[1] !== null && '~kind' in entry[1],
);

describe('the stand-in for typebox', () => {
  it('knows every kind of schema that the packages of a build make', () => {
    const used = new Set(
      sources().flatMap((text) => [...text.matchAll(/\bType\.(\w+)\(/g)].map(([, kind]) => kind)),
    );
    expect(used.size).toBeGreaterThan(10);
    expect([...used].filter((kind) => !Object.hasOwn(Type, kind ?? ''))).toEqual([]);
  });

  it('knows everything that is said of them', () => {
    const kinds = 'type const anyOf allOf items additionalItems required properties patternProperties'.split(
      ' ',
    );
    const said = SCHEMAS.flatMap(([, schema]) => keywords(schema));
    expect(said.filter((word) => !KNOWN_OPTIONS.has(word) && !kinds.includes(word))).toEqual([]);
  });

  it('refuses what it would not check', () => {
    expect(() => Type.String({ format: 'email' } as Schema)).toThrow(/format/);
  });

  it('makes the same JSON Schema', () => {
    const made = (T: typeof Type) =>
      T.Object(
        {
          text: T.Optional(T.String({ maxLength: 3, description: 'of 3' })),
          which: T.Union([T.Literal('a'), T.Literal(1), T.Boolean()]),
          counts: T.Record(T.String(), T.Integer({ minimum: 0 }), { maxProperties: 2 }),
          pair: T.Tuple([T.String(), T.Number()]),
          list: T.Array(T.Unknown(), { maxItems: 2 }),
          either: T.Intersect([T.Object({ a: T.String() }), T.Partial(T.Object({ b: T.String() }))]),
          unit: T.Unsafe(T.Union([T.String()], { unit: 'time', default: '1 sec' })),
        },
        { default: {} },
      );
    expect(JSON.parse(JSON.stringify(made(Type)))).toEqual(
      JSON.parse(JSON.stringify(made(LibraryType as unknown as typeof Type))),
    );
  });
});

describe('a value is right for the stand-in when it is right for typebox', () => {
  test.each(SCHEMAS)('%s', (_name, schema) => {
    fc.assert(
      fc.property(near(schema as Schema), (value) => {
        expect(standIn.Check(schema as Schema, value)).toBe(library.Check(schema, value));
        const [problem] = standIn.Errors(schema as Schema, value);
        const paths = library.Errors(schema, value).map(({ instancePath }) => instancePath);
        expect(problem === undefined || paths.includes(problem.instancePath)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('with defaults filled in', () => {
    fc.assert(
      fc.property(near(agentSchema as Schema), (value) => {
        const [ours, theirs] = [structuredClone(value), structuredClone(value)];
        const filled = library.Default(agentSchema, theirs);
        const isRight = library.Check(agentSchema, filled);
        if (isRight) expect(standIn.Default(agentSchema as Schema, ours)).toEqual(filled);
        else
          expect(standIn.Check(agentSchema as Schema, standIn.Default(agentSchema as Schema, ours))).toBe(
            false,
          );
      }),
      { numRuns: 60 },
    );
  });

  test('with lengths in characters, of which some take two places', () => {
    const schema = LibraryType.String({ minLength: 2, maxLength: 3, pattern: '^[^x]*$' });
    for (const text of ['', 'a', '😀', '😀😀', '😀😀😀', '😀😀😀😀', 'abc', 'abcd', 'ax']) {
      expect([text, standIn.Check(schema as Schema, text)]).toEqual([text, library.Check(schema, text)]);
    }
  });
});

/** Values that are often right, and else nearly so. */
function near(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 12, arbitrary: right(schema) }, { weight: 1, arbitrary: ANYTHING });
}

const ANYTHING = fc.oneof(
  fc.constantFrom(null, undefined, true, '', -1, 0.5, Number.NaN, Infinity, 2 ** 40, [], {}),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.array(fc.constant('x'), { maxLength: 3 }),
);

function right(schema: Schema): fc.Arbitrary<unknown> {
  const { type, anyOf, allOf, items, properties = {}, patternProperties, required = [] } = schema;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (anyOf) return fc.oneof(...anyOf.map(near));
  if (allOf) return fc.tuple(...allOf.map(right)).map((parts) => Object.assign({}, ...(parts as object[])));
  if (type === 'string') return fc.string({ maxLength: Math.min((schema.maxLength ?? 20) + 1, 100) });
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number')
    return fc.integer({ min: (schema.minimum ?? 0) - 1, max: schema.maximum });
  if (type === 'array') {
    if (Array.isArray(items)) return fc.tuple(...(items as Schema[]).map(near));
    return fc.array(near(items as Schema), { maxLength: 3 });
  }
  if (patternProperties)
    return fc.dictionary(fc.string(), near(Object.values(patternProperties)[0] as Schema));
  if (type !== 'object') return ANYTHING;
  const model = Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, near(inner)]));
  const sometimes = fc.record(model, { requiredKeys: [] });
  return fc.oneof(
    { weight: 8, arbitrary: fc.record(model, { requiredKeys: [...required] }) },
    { weight: 1, arbitrary: sometimes },
  );
}

function keywords(schema: object): string[] {
  return Object.entries(schema).flatMap(([word, held]) => {
    const isNamed = word === 'properties' || word === 'patternProperties';
    const inner = isNamed ? Object.values(held) : word === 'default' ? [] : [held].flat();
    return [
      word,
      ...inner.flatMap((each) => (typeof each === 'object' && each !== null ? keywords(each) : [])),
    ];
  });
}

function sources(): string[] {
  return ['agent', 'database', 'protocol', 'runtime'].flatMap((name) =>
    readdirSync(`${PACKAGES}${name}/src`, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(path))
      .map((path) => readFileSync(`${PACKAGES}${name}/src/${path}`, 'utf8')),
  );
}
