import { describe, expect, it } from 'vitest';
import { showTraffic } from './traffic.ts';

function shown(body: string): string {
  const lines: string[] = [];
  showTraffic(
    'Bb',
    (line) => void lines.push(line),
  )({ over: 'MQTT', direction: 'in', head: ['x'], body } as never);
  return lines.join('\n');
}

describe('traffic that is shown', () => {
  it.each([
    ['the token that owns a certificate', JSON.stringify({ certificateOwnershipToken: 'SECRET' })],
    ['a URL that is signed', JSON.stringify({ url: 'https://a/b?X-Amz-Date=1&X-Amz-Signature=SECRET' })],
    ['a URL with a ticket, within others', JSON.stringify({ all: [{ url: 'https://a/b?t=SECRET&n=1' }] })],
    ['a URL in plain text', 'see https://a/b?token=SECRET for it'],
  ])('does not tell %s', (_what, body) => {
    expect(shown(body)).toContain('[secret]');
    expect(shown(body)).not.toContain('SECRET');
  });

  it('tells the rest', () => {
    expect(shown('{"url":"https://a/b?n=1","clientToken":"c"}')).toContain(
      '{"url":"https://a/b?n=1","clientToken":"c"}',
    );
  });
});
