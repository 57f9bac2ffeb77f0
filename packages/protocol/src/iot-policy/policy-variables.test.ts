import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MANY, ONE } from './glob.ts';
import type { PolicySubject } from './policy-subject.ts';
import { fillIn, parseTemplate, VARIABLE_NAMES, valuesOf } from './policy-variables.ts';

const subject: PolicySubject = {
  clientId: 'JT08FFQXWQ',
  accountId: '01J00000000000000000000000',
  region: 'eu-west-1',
  thingName: 'Thing',
  product: 'Product',
  certificateCommonName: 'Name',
  sourceIp: '::ffff:192.0.2.1',
  now: () => 0,
};

const filled = (text: string, who = subject, wildcards: 'wildcards' | 'no wildcards' = 'wildcards') =>
  fillIn(parseTemplate(text, 'Resource', wildcards), valuesOf(who));

describe('a text with variables', () => {
  it.each([
    ['${iot:ClientId}', 'JT08FFQXWQ'],
    ['${IOT:clientid}', 'JT08FFQXWQ'],
    ['${iot:Connection.Thing.ThingName}', 'Thing'],
    ['${iot:Connection.Thing.IsAttached}', 'true'],
    ['${iot:Certificate.Subject.CommonName}', 'Name'],
    ['${aws:SourceIp}', '192.0.2.1'],
    ['${aws:SecureTransport}', 'true'],
    ['${ioto:AccountId}', '01J00000000000000000000000'],
    ['${ioto:Product}', 'Product'],
  ])('%s is %s', (text, value) => {
    expect(filled(text)).toEqual([value]);
  });

  it('keeps wildcards apart from the same characters escaped', () => {
    expect(filled('a*b?${*}${?}${$}{x}')).toEqual(['a', MANY, 'b', ONE, '*', '?', '$', '{x}']);
    expect(filled('a*b?', subject, 'no wildcards')).toEqual(['a*b?']);
  });

  it('takes a dollar sign alone for itself', () => {
    expect(filled('$aws/$/{x}/$')).toEqual(['$aws/$/{x}/$']);
  });

  it('takes a value as it is, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (clientId) => {
        expect(filled('<${iot:ClientId}>', { ...subject, clientId })).toEqual(['<', clientId, '>']);
      }),
    );
    const tricky = { ...subject, clientId: '${ioto:AccountId}*?' };
    expect(filled('${iot:ClientId}', tricky)).toEqual(['${ioto:AccountId}*?']);
  });

  it.each(['thingName', 'product', 'certificateCommonName', 'sourceIp'])(
    'is nothing when its value %s is absent or empty',
    (field) => {
      const text = VARIABLE_NAMES.map((name) => `\${${name}}`).join('');
      expect(filled(text)).toHaveLength(VARIABLE_NAMES.length);
      expect(filled(text, { ...subject, [field]: undefined })).toBeUndefined();
      expect(filled(text, { ...subject, [field]: '' })).toBeUndefined();
    },
  );

  it('knows a client without a thing as not attached', () => {
    expect(filled('${iot:Connection.Thing.IsAttached}', { ...subject, thingName: undefined })).toEqual([
      'false',
    ]);
  });

  it.each([
    '${iot:Nothing}',
    '${}',
    '${constructor}',
    '${aws:CurrentTime}',
    '${ iot:ClientId}',
    "${ioto:Product, 'x'}",
  ])('is refused with the variable %s by its name', (variable) => {
    expect(() => parseTemplate(`a/${variable}/b`, 'policy statement 1, Resource', 'wildcards')).toThrow(
      expect.objectContaining({
        code: 'POLICY_INVALID',
        message: expect.stringMatching(
          /^policy statement 1, Resource: the variable ".*" is not known; known are \$\{iot:ClientId\}, /,
        ),
      }),
    );
  });

  it('is refused with a variable that does not end', () => {
    expect(() => parseTemplate('a/${iot:ClientId', 'Resource', 'wildcards')).toThrow(
      'Resource: "a/${iot:ClientId" has a variable without its closing brace',
    );
  });
});
