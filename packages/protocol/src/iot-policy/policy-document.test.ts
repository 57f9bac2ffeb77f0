import { isCodedError } from '@ioto/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIotPolicy } from './policy-document.ts';

const VERSION = '2012-10-17';
const RESOURCE = 'arn:aws:iot:*:*:topic/a';
const statement = { Effect: 'Allow', Action: 'iot:Publish', Resource: RESOURCE };
const policy = (...Statement: unknown[]) => ({ Version: VERSION, Statement });
const refused = (message: string) =>
  expect.objectContaining({ code: 'POLICY_INVALID', status: 400, message });

describe('a policy document', () => {
  const full = policy(
    { Sid: 'First', ...statement, Action: ['iot:Publish', 'iot:Receive'] },
    { ...statement, Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': [false] } } },
  );

  it('is read from JSON text and from a value alike', () => {
    expect(parseIotPolicy(full).document).toEqual(full);
    expect(parseIotPolicy(JSON.stringify(full, undefined, 2)).document).toEqual(full);
  });

  it('comes back from what was read of it', () => {
    const { document } = parseIotPolicy(full);
    expect(parseIotPolicy(document).document).toEqual(document);
  });

  it('may have a single statement in place of a list', () => {
    expect(parseIotPolicy({ Version: VERSION, Statement: statement }).document).toEqual(policy(statement));
  });

  it('is a copy that nobody can change', () => {
    const given = structuredClone(full);
    const { document } = parseIotPolicy(given);
    Object.assign(given.Statement[0] as object, { Effect: 'Deny' });
    expect(document.Statement[0]?.Effect).toBe('Allow');
    expect(() => Object.assign(document.Statement[0] as object, { Effect: 'Deny' })).toThrow(TypeError);
    expect(
      document.Statement.every(
        ({ Action, Resource }) => Object.isFrozen(Action) && Object.isFrozen(Resource),
      ),
    ).toBe(true);
    expect(() => document.Statement.pop()).toThrow(TypeError);
  });

  it('may leave Sid empty more than once, as tools do', () => {
    const unnamed = { Sid: '', ...statement };
    expect(parseIotPolicy(policy(unnamed, unnamed)).document.Statement).toHaveLength(2);
  });

  it('may be as large as 8192 bytes, white space not counted', () => {
    const sized = (bytes: number) => {
      const short = policy({ ...statement, Action: ['iotx:x'], Resource: new Array(10).fill(RESOURCE) });
      const Action = [`iotx:${'x'.repeat(bytes - JSON.stringify(short).length + 1)}`];
      return policy({ ...(short.Statement[0] as object), Action });
    };
    expect(JSON.stringify(sized(8192))).toHaveLength(8192);
    expect(() => parseIotPolicy(sized(8192))).not.toThrow();
    expect(() => parseIotPolicy(JSON.stringify(sized(8192), undefined, 4))).not.toThrow();
    expect(() => parseIotPolicy(sized(8193))).toThrow(refused('policy: is larger than 8192 bytes'));
    expect(() => parseIotPolicy(' '.repeat(65_537))).toThrow(refused('policy: is larger than 8192 bytes'));
    const wide = policy({
      ...statement,
      Resource: new Array(3).fill(`arn:aws:iot:*:*:topic/${'é'.repeat(1000)}`),
    });
    expect(() => parseIotPolicy(wide)).not.toThrow();
    const wider = policy({
      ...statement,
      Resource: new Array(5).fill(`arn:aws:iot:*:*:topic/${'é'.repeat(1000)}`),
    });
    expect(() => parseIotPolicy(wider)).toThrow(refused('policy: is larger than 8192 bytes'));
  });

  it('may have 50 statements of 100 resources', () => {
    const brief = { Effect: 'Deny', Action: '*', Resource: '*' };
    const many = (count: number) => ({ ...brief, Resource: new Array(count).fill('*') });
    expect(parseIotPolicy(policy(...new Array(50).fill(brief))).rules).toHaveLength(50);
    expect(() => parseIotPolicy(policy(...new Array(51).fill(brief)))).toThrow(
      refused('policy, Statement: has 51 values, more than 50'),
    );
    expect(() => parseIotPolicy(policy(many(100)))).not.toThrow();
    expect(() => parseIotPolicy(policy(brief, many(101)))).toThrow(
      refused('policy statement 2, Resource: has 101 values, more than 100'),
    );
  });
});

describe('a policy document is refused', () => {
  it.each<[string, unknown, string]>([
    ['that is no JSON', '{"Version"', 'policy: is not valid JSON'],
    ['that is an empty text', '', 'policy: is not valid JSON'],
    ['that is nothing', undefined, 'policy: nothing is not a JSON document'],
    ['that is a list', [], 'policy: must be an object, not a list'],
    ['that is a text within JSON', '"{}"', 'policy: must be an object, not "{}"'],
    ['that is null', null, 'policy: must be an object, not null'],
    ['without version', { Statement: statement }, 'policy, Version: must be "2012-10-17", not nothing'],
    [
      'of the version without variables',
      { Version: '2008-10-17', Statement: statement },
      'policy, Version: must be "2012-10-17", not "2008-10-17"',
    ],
    ['without statements', { Version: VERSION }, 'policy, Statement: is missing'],
    [
      'with an empty list of statements',
      policy(),
      'policy, Statement: is an empty list: it must name something',
    ],
    [
      'with a field that it does not have',
      { ...policy(statement), Id: 'x' },
      'policy: has the field "Id"; it may have Version and Statement only',
    ],
    [
      'with a field __proto__',
      `{"__proto__":{},"Version":"${VERSION}","Statement":[]}`,
      'policy: has the field "__proto__"; it may have Version and Statement only',
    ],
    ['with a statement that is none', policy(statement, 7), 'policy statement 2: must be an object, not 7'],
    [
      'without effect',
      policy({ ...statement, Effect: undefined }),
      'policy statement 1, Effect: must be "Allow" or "Deny", not nothing',
    ],
    [
      'with an effect in another case',
      policy({ Sid: 'A', ...statement, Effect: 'deny' }),
      'policy statement 1 ("A"), Effect: must be "Allow" or "Deny", not "deny"',
    ],
    ['without action', policy({ ...statement, Action: undefined }), 'policy statement 1, Action: is missing'],
    [
      'with no action',
      policy({ ...statement, Action: [] }),
      'policy statement 1, Action: is an empty list: it must name something',
    ],
    [
      'with an action that is none',
      policy({ ...statement, Action: ['iot:Publish', 'Publish'] }),
      'policy statement 1, Action[1]: "Publish" is not an action such as iot:Publish, iot:* or *',
    ],
    [
      'with an action that is no text',
      policy({ ...statement, Action: [{}] }),
      'policy statement 1, Action[0]: must be a text, not an object',
    ],
    [
      'with a resource that is no ARN',
      policy(statement, { Sid: 'AllowApp', ...statement, Resource: [RESOURCE, 'arn:aws:iot:x'] }),
      'policy statement 2 ("AllowApp"), Resource[1]: "arn:aws:iot:x" is not an ARN of the form arn:aws:iot:REGION:ACCOUNT:TYPE/NAME',
    ],
    [
      'with an empty resource',
      policy({ ...statement, Resource: '' }),
      'policy statement 1, Resource: must be a text, not ""',
    ],
    [
      'with NotAction',
      policy({ Effect: 'Allow', NotAction: 'iot:Publish', Resource: '*' }),
      'policy statement 1, NotAction: is not part of AWS IoT policies: list what is meant in Action, or write a second statement with the other Effect',
    ],
    [
      'with Principal',
      policy({ ...statement, Principal: '*' }),
      'policy statement 1, Principal: is not part of AWS IoT policies: a policy holds for what it is attached to',
    ],
    [
      'with a field in another case',
      policy({ ...statement, condition: {} }),
      'policy statement 1, "condition": is not a field of a statement, which are Sid, Effect, Action, Resource, Condition',
    ],
    [
      'with a statement’s __proto__',
      `{"Version":"${VERSION}","Statement":{"__proto__":{}}}`,
      'policy statement 1, "__proto__": is not a field of a statement, which are Sid, Effect, Action, Resource, Condition',
    ],
    [
      'with a statement’s constructor',
      policy({ ...statement, constructor: 1 }),
      'policy statement 1, "constructor": is not a field of a statement, which are Sid, Effect, Action, Resource, Condition',
    ],
    [
      'with a Sid twice',
      policy({ Sid: 'A', ...statement }, statement, { Sid: 'A', ...statement }),
      'policy statement 3, Sid: "A" is that of statement 1 too',
    ],
    [
      'with a Sid that is no text',
      policy({ ...statement, Sid: 1 }),
      'policy statement 1, Sid: must be a text, not 1',
    ],
    [
      'with a long Sid',
      policy({ ...statement, Sid: 'x'.repeat(129) }),
      'policy statement 1, Sid: is longer than 128 characters',
    ],
    [
      'with a condition that is null',
      policy({ ...statement, Condition: null }),
      'policy statement 1, Condition: must be an object, not null',
    ],
    [
      'with a variable that is not known',
      policy({ ...statement, Condition: { Bool: { 'iot:Who': 'true' } } }),
      'policy statement 1, Condition["Bool"]["iot:Who"]: the key is not known; known are iot:ClientId, iot:Connection.Thing.ThingName, iot:Connection.Thing.IsAttached, iot:Certificate.Subject.CommonName, aws:SourceIp, aws:SecureTransport, ioto:AccountId, ioto:Product, aws:CurrentTime, aws:EpochTime',
    ],
  ])('%s', (_name, given, message) => {
    expect(() => parseIotPolicy(given)).toThrow(refused(message));
  });

  it('when a field stands twice in one object, of which one would be passed over', () => {
    const text = JSON.stringify(
      policy({ ...statement, Condition: { StringEquals: { 'iot:ClientId': '{"' } } }),
    );
    expect(() => parseIotPolicy(text)).not.toThrow();
    const twice = text.replace('"Effect"', '"Eff\\u0065ct" : "Deny", "Effect"');
    expect(() => parseIotPolicy(twice)).toThrow(refused('policy: has "Effect" twice in one object'));
    const apart = text.replace(
      '"Condition"',
      '"Condition":{"Bool":{"aws:SecureTransport":true}},"Effect":"Deny","Sid"',
    );
    expect(() => parseIotPolicy(apart)).toThrow(refused('policy: has "Effect" twice in one object'));
    const inside = text.replace('"iot:ClientId"', '"ioto:Product":"x","iot:ClientId":"\\\\","iot:ClientId"');
    expect(() => parseIotPolicy(inside)).toThrow(refused('policy: has "iot:ClientId" twice in one object'));
  });

  it('when it cannot be written as JSON', () => {
    const cycle: Record<string, unknown> = { ...policy(statement) };
    cycle.Statement = cycle;
    const throws = {
      get Version(): string {
        throw new Error('no');
      },
    };
    for (const given of [cycle, throws, { Version: 1n }, () => 1, Symbol('x')]) {
      expect(() => parseIotPolicy(given)).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
    }
  });

  it('when it is nested too deeply for a parser', () => {
    for (const depth of [4000, 30_000]) {
      const text = `${'['.repeat(depth)}${']'.repeat(depth)}`;
      expect(() => parseIotPolicy(text)).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
      const value = text
        .slice(0, 2 * depth)
        .replaceAll('[', '{"Statement":[')
        .replaceAll(']', ']}');
      expect(() => parseIotPolicy(value)).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
    }
  });
});

describe('whatever is given', () => {
  const mostly = <T, U>(sound: fc.Arbitrary<T>, odd: fc.Arbitrary<U>) =>
    fc.oneof({ weight: 12, arbitrary: sound }, { weight: 1, arbitrary: odd });
  const some = <T>(one: fc.Arbitrary<T>) => fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 3 }));
  const name = fc.constantFrom('Version', 'Sid', 'StringLike', 'aws:SourceIp', '__proto__', 'constructor');
  const word = fc.constantFrom(
    '',
    '*',
    '${',
    '${x}',
    'arn:aws:iot:*:*:',
    'Allow',
    '10.0.0.0/8',
    '2026-01-01',
  );
  const { odd } = fc.letrec<{ odd: unknown }>((tie) => ({
    odd: fc.oneof(
      { depthSize: 'small' },
      word,
      fc.constantFrom(1, true, null),
      fc.array(tie('odd'), { maxLength: 3 }),
      fc.dictionary(name, tie('odd'), { maxKeys: 3 }),
    ),
  }));
  const condition = fc.constantFrom(
    { StringLike: { 'iot:ClientId': ['${iot:Connection.Thing.ThingName}*', '${*}'] } },
    { IpAddressIfExists: { 'aws:SourceIp': '10.0.0.0/8' }, Null: { 'ioto:Product': false } },
    { DateLessThan: { 'aws:CurrentTime': '2026-01-01' } },
  );
  const resource = fc.constantFrom('*', RESOURCE, 'arn:aws:iot:*:${ioto:AccountId}:topic*/${iot:ClientId}/*');
  const anyStatement = fc.record(
    {
      Sid: mostly(fc.constant(''), odd),
      Effect: mostly(fc.constantFrom('Allow', 'Deny'), odd),
      Action: mostly(some(fc.constantFrom('iot:*', 'iot:Publish', '*', 's3:*')), odd),
      Resource: mostly(some(resource), odd),
      Condition: mostly(condition, fc.dictionary(name, fc.dictionary(name, odd))),
    },
    { requiredKeys: ['Effect', 'Action', 'Resource'] },
  );
  const nearPolicy = fc.record({
    Version: mostly(fc.constant(VERSION), odd),
    Statement: mostly(some(mostly(anyStatement, odd)), odd),
  });

  /** True when it was a policy. Fails on any error but the one that the contract names. */
  function isPolicy(given: unknown): boolean {
    try {
      const { document } = parseIotPolicy(given);
      expect(parseIotPolicy(document).document).toEqual(document);
      return true;
    } catch (error) {
      if (!isCodedError(error, 'POLICY_INVALID')) throw error;
      expect(error.status).toBe(400);
      expect(error.message).toMatch(/^policy[ ,:]/);
      expect(error.message.length).toBeLessThan(1200);
      return false;
    }
  }

  it('is a policy or refused as one', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.jsonValue(), fc.json(), fc.string()),
        (given) => void isPolicy(given),
      ),
      {
        numRuns: 1000,
      },
    );
  });

  it('and is almost a policy, is one or refused as one', () => {
    const counts = { policies: 0, others: 0 };
    fc.assert(
      fc.property(nearPolicy, (given) => {
        const sure = isPolicy(given);
        expect(isPolicy(JSON.stringify(given))).toBe(sure);
        counts[sure ? 'policies' : 'others'] += 1;
      }),
      { numRuns: 1000 },
    );
    expect(Math.min(counts.policies, counts.others)).toBeGreaterThan(100);
  });
});
