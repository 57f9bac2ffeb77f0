import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { refuseCrossSite } from './cross-site.ts';

function comesThrough(headers: Record<string, string>, { tls = false } = {}): boolean {
  const raw = { headers: { host: 'lamp.local:8080', ...headers }, socket: tls ? { encrypted: true } : {} };
  try {
    refuseCrossSite(raw as unknown as IncomingMessage, []);
    return true;
  } catch {
    return false;
  }
}

describe('what changes something', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['a program, which says nothing of it', {}, true],
    ['a page of the device', { origin: 'http://lamp.local:8080' }, true],
    ['such a page by a proxy that ends TLS', { origin: 'https://lamp.local:8080' }, true],
    ['another port of the device', { origin: 'http://lamp.local' }, false],
    ['another site', { origin: 'http://evil.example' }, false],
    ['nowhere, as a sandbox does', { origin: 'null' }, false],
    ['the same site, by its browser’s word', { 'sec-fetch-site': 'same-origin', origin: 'null' }, true],
    ['another site, by its browser’s word', { 'sec-fetch-site': 'cross-site' }, false],
    ['a sibling, by its browser’s word', { 'sec-fetch-site': 'same-site' }, false],
    ['a site that let its name point here', { host: 'evil.example' }, false],
  ])('may come from %s: %j is %s', (_from, headers, may) => {
    expect(comesThrough(headers)).toBe(may);
  });

  it('may not come over TLS from a page that came without', () => {
    expect(comesThrough({ origin: 'http://lamp.local:8080' }, { tls: true })).toBe(false);
    expect(comesThrough({ origin: 'https://lamp.local:8080' }, { tls: true })).toBe(true);
  });
});
