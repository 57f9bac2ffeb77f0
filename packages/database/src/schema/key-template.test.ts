import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyTemplate } from './key-template.ts';

const template = new KeyTemplate('d#${account}#${device}#${path}');
const plain = fc.string({ unit: 'binary' }).filter((text) => !/[#\0]/.test(text));
const last = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));

describe('a key template', () => {
  it('is taken apart into what it was made of', () => {
    fc.assert(
      fc.property(plain, plain, last, (account, device, path) => {
        const { text, missing } = template.resolve((name) => ({ account, device, path })[name]);
        expect(missing).toBeUndefined();
        expect(template.match(text)).toEqual({ account, device, path });
      }),
    );
  });

  it('makes different keys of different values', () => {
    const values = fc.record({ account: last, device: last, path: last });
    const build = (of: Record<string, string>) => {
      try {
        return template.resolve((name) => of[name]).text;
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(values, values, (one, other) => {
        const same = one.account === other.account && one.device === other.device && one.path === other.path;
        const text = build(one);
        expect(text !== undefined && text === build(other)).toBe(text !== undefined && same);
      }),
    );
  });

  it('stops before the first variable without a value', () => {
    expect(template.resolve((name) => ({ account: 'a' })[name])).toEqual({ text: 'd#a#', missing: 'device' });
  });

  it('refuses a value that holds what ends it', () => {
    expect(() => template.resolve(() => 'a#b')).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
  });

  it('pads numbers so that they sort', () => {
    const padded = new KeyTemplate('n#${count:6:0}');
    expect(padded.resolve(() => 42).text).toBe('n#000042');
    expect(padded.match('n#000042')).toEqual({ count: '42' });
  });

  it('knows what it did not make', () => {
    expect(template.match('e#a#b#c')).toBeUndefined();
    expect(template.match('d#a#b')).toBeUndefined();
    expect(new KeyTemplate('state#').match('state#more')).toBeUndefined();
    expect(new KeyTemplate('${a}#${a}').match('x#y')).toBeUndefined();
  });
});
