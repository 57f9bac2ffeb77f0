import { describe, expect, it } from 'vitest';
import { cloudConfig, parseAddress } from './config.ts';

describe('the configuration of a cloud', () => {
  it('is complete and frozen when nothing is given', () => {
    const config = cloudConfig({});
    expect(config).toMatchObject({
      state: '.ioto/cloud',
      roles: ['builder', 'device-cloud'],
      listen: '127.0.0.1:8443',
      host: 'localhost',
      type: 'dedicated',
      workers: 0,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it.each([
    [{ listen: 'nonsense' }, /^--listen "nonsense": expected HOST:PORT/],
    [{ listen: 'localhost:99999' }, /^--listen/],
    [{ mqtt: ':1' }, /^--mqtt/],
    [{ host: 'a b' }, /^--host/],
    [{ host: '192.168.0.1' }, /^--host must be a DNS name/],
    [{ roles: ['emperor'] }, /^--roles/],
    [{ roles: [] }, /^--roles/],
    [{ name: '' }, /^--name/],
    [{ type: 'public' }, /^--type/],
    [{ workers: 65 }, /^--workers "65": expected number of processes/],
    [{ workers: 1.5 }, /^--workers "1.5"/],
    [{ roles: ['device-cloud'] }, /^--builder is needed/],
    [{ roles: ['device-cloud'], builder: 'https://b/api' }, /^--cloud-key-file is needed/],
    [{ roles: ['device-cloud'], builder: 'ftp://b', cloudKeyFile: 'x' }, /^--builder/],
  ])('%j is refused with the option that is wrong', (given, message) => {
    expect(() => cloudConfig(given as object)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => cloudConfig(given as object)).toThrow(message);
  });

  it('reads addresses of both families', () => {
    expect(parseAddress('127.0.0.1:8443')).toEqual({ host: '127.0.0.1', port: 8443 });
    expect(parseAddress('[::1]:0')).toEqual({ host: '::1', port: 0 });
    expect(cloudConfig({ listen: '[::]:8443', host: 'cloud.example.com' }).listen).toBe('[::]:8443');
  });
});
