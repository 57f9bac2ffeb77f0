import { expect, test } from 'vitest';
import { namesLocally } from './host-name.ts';

test.each([
  undefined,
  '127.0.0.1:8080',
  '192.168.1.20',
  '[::1]:8080',
  '[fe80::1]',
  'localhost:8080',
  'lamp',
  'Lamp.local',
  'lamp.lan:80',
  'lamp.home.arpa.',
])('%j names the device as somebody near it would', (host) => {
  expect(namesLocally(host)).toBe(true);
});

test.each([
  'evil.example:8080',
  'evil.example.',
  '127.0.0.1.evil.example',
  'local.evil.example',
  '1.2.3.4.5',
  'a..b.example',
])('%j may be the name of a website', (host) => {
  expect(namesLocally(host)).toBe(false);
});

test('a name that the device was told to listen on is its own', () => {
  expect(namesLocally('lamp.example:80', ['lamp.example'])).toBe(true);
});
