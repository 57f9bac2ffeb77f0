import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';

class Connection extends EventEmitter {
  readonly remoteAddress: string;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.emit('close');
  }
}

/** How many of so many connections of an address are let in. */
function knock(admission: Admission, address: string, times: number): Connection[] {
  const all = Array.from({ length: times }, () => new Connection(address));
  return all.filter((each) => admission.admits(each as unknown as Socket));
}

describe('a neighbour that opens all connections that it can', () => {
  it('gets half of those that there are, and others get the rest', () => {
    const admission = new Admission(10);
    const held = knock(admission, '192.168.1.9', 20);
    expect(held).toHaveLength(5);
    expect(knock(admission, '192.168.1.8', 4)).toHaveLength(4);
    expect(knock(admission, '192.168.1.7', 4)).toHaveLength(1);
    held[0]?.destroy();
    expect(knock(admission, '192.168.1.9', 2)).toHaveLength(1);
  });

  it('is one by all of its addresses of IPv6, and by IPv4 in the form of IPv6', () => {
    const admission = new Admission(100);
    expect(knock(admission, 'fe80::1', 30)).toHaveLength(30);
    expect(knock(admission, 'fe80::2', 30)).toHaveLength(20);
    expect(knock(admission, 'fe80:0:0:1::2', 20)).toHaveLength(20);
    const both = new Admission(100);
    expect(knock(both, '::ffff:10.0.0.1', 30)).toHaveLength(30);
    expect(knock(both, '10.0.0.1', 30)).toHaveLength(20);
  });

  it('gets all of them where they are few, and on the device itself', () => {
    expect(knock(new Admission(7), '192.168.1.9', 20)).toHaveLength(7);
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect(knock(new Admission(10), address, 20), address).toHaveLength(10);
    }
  });

  it('holds nothing of what it has held', () => {
    const admission = new Admission(10);
    knock(admission, '192.168.1.9', 5);
    admission.endAll();
    expect(knock(admission, '192.168.1.9', 5)).toHaveLength(5);
    expect(knock(admission, '192.168.1.8', 6)).toHaveLength(5);
  });
});
