import { describe, expect, it } from 'vitest';
import { rangeOf } from './byte-range.ts';
import { chooseUpdate } from './choose.ts';
import { checkImageUrl, imageUrl } from './image-url.ts';
import { checkProduct, checkSignature, checkVersion, type UpdateRecord } from './update-record.ts';

const update = (version: string, policy = '', enabled = true) =>
  ({ product: 'P', version, policy, enabled, blob: 'B', size: 1, sha256: '' }) as UpdateRecord;
const chosen = (updates: UpdateRecord[], device: { version: string; [name: string]: unknown }) =>
  chooseUpdate(updates, device)?.version;

describe('the update for a device', () => {
  it('is the highest version, by the order of versions and not of letters', () => {
    const updates = [update('1.9.0'), update('1.10.0'), update('1.2.0')];
    expect(chosen(updates, { version: '1.2.0' })).toBe('1.10.0');
    expect(chosen([...updates, update('2.0.0-beta.1')], { version: '1.2.0' })).toBe('2.0.0-beta.1');
  });

  it('is newer than what it runs, or there is none', () => {
    const updates = [update('1.0.0'), update('1.1.0')];
    expect(chosen(updates, { version: '1.1.0' })).toBeUndefined();
    expect(chosen(updates, { version: '2.0.0' })).toBeUndefined();
    expect(chosen(updates, { version: '1.1.0-rc.1' })).toBe('1.1.0');
    expect(chosen(updates, { version: '1.0' })).toBe('1.1.0');
    expect(chosen(updates, { version: 'unknown' })).toBeUndefined();
    expect(chosen([], { version: '1.0.0' })).toBeUndefined();
  });

  it('is one that is enabled and whose policy is for it', () => {
    const updates = [update('3.0.0', '', false), update('2.0.0', "model == 'L2'"), update('1.5.0')];
    expect(chosen(updates, { version: '1.0.0', model: 'L1' })).toBe('1.5.0');
    expect(chosen(updates, { version: '1.0.0', model: 'L2' })).toBe('2.0.0');
  });
});

describe('the URL of an image', () => {
  const secret = Buffer.alloc(32, 1);
  const place = { product: 'P', version: '2.0.0', blob: 'B' };
  const parsed = (url: string) => {
    const query = new URL(url).searchParams;
    return { expires: Number(query.get('expires')), signature: query.get('signature') ?? '' };
  };

  it('holds for a day, for that image alone', () => {
    const url = imageUrl('https://cloud/api', place, secret, 0);
    expect(url).toContain('https://cloud/api/update/image/P/2.0.0?blob=B&expires=86400&signature=');
    const grant = parsed(url);
    expect(() => checkImageUrl(place, grant, secret, 86_399_999)).not.toThrow();
    const refused = expect.objectContaining({ code: 'UPDATE_URL_INVALID', status: 403 });
    expect(() => checkImageUrl(place, grant, secret, 86_400_000)).toThrow(refused);
    expect(() => checkImageUrl(place, { ...grant, expires: 86_401 }, secret, 0)).toThrow(refused);
    expect(() => checkImageUrl(place, { ...grant, signature: '' }, secret, 0)).toThrow(refused);
    expect(() => checkImageUrl(place, grant, Buffer.alloc(32, 2), 0)).toThrow(refused);
    for (const other of [{ version: '1.0.0' }, { product: 'Q' }, { blob: 'C' }]) {
      expect(() => checkImageUrl({ ...place, ...other }, grant, secret, 0)).toThrow(refused);
    }
  });
});

describe('a Range header', () => {
  it.each([
    ['bytes=0-', { first: 0, last: 9 }],
    ['bytes=4-', { first: 4, last: 9 }],
    ['bytes=4-6', { first: 4, last: 6 }],
    ['bytes=4-99', { first: 4, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=-99', { first: 0, last: 9 }],
    ['bytes=9-9', { first: 9, last: 9 }],
    ['bytes=10-', 'none'],
    ['bytes=-0', 'none'],
    ['bytes=6-4', 'all'],
    ['bytes=-', 'all'],
    ['bytes=0-1,3-4', 'all'],
    ['items=0-1', 'all'],
    [undefined, 'all'],
  ])('%j of ten bytes is %j', (header, expected) => {
    expect(rangeOf(header, 10)).toEqual(expected);
  });
});

describe('what is published', () => {
  it.each(['1.0', 'v1.0.0', '1.0.0+build', '', '1.0.0 ', `1.0.${'9'.repeat(80)}`, '../1.0.0'])(
    'has no version %j',
    (version) => {
      expect(() => checkVersion(version)).toThrow(
        expect.objectContaining({ code: 'UPDATE_VERSION_INVALID' }),
      );
    },
  );

  it('has a version, a product and a signature that can be ones', () => {
    expect(checkVersion('1.0.0-rc.1')).toBe('1.0.0-rc.1');
    expect(() => checkProduct('a#b')).toThrow(expect.objectContaining({ code: 'UPDATE_PRODUCT_INVALID' }));
    expect(() => checkSignature('AAAA')).toThrow(
      expect.objectContaining({ code: 'UPDATE_SIGNATURE_INVALID' }),
    );
    expect(checkSignature(Buffer.alloc(64).toString('base64'))).toHaveLength(88);
  });
});
