import { silentLogger, systemClock } from '@ioto/runtime';
import { memoryConnection } from '@ioto/testkit/memory-duplex';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { until } from '@ioto/testkit/until';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Peer } from '../ports/device-endpoint.ts';
import { CoreConnections } from './core-connections.ts';
import { CoreDoor } from './core-door.ts';

let directory: TempDirectory;
let core: CoreDoor;
let connections: CoreConnections;
let refused: string[];
let counts: number[];
let taken: Peer[];

const peer: Peer = { remoteAddress: '192.0.2.7' };

beforeEach(async () => {
  directory = await TempDirectory.create();
  refused = [];
  counts = [];
  taken = [];
  core = new CoreDoor({
    directory: directory.path,
    behind: {
      https: (stream, peer) => {
        taken.push(peer);
        stream.pipe(stream);
      },
    },
    ...{ clock: systemClock, logger: silentLogger },
  });
  await core.start();
  connections = new CoreConnections({
    ...{ path: core.path, secret: core.secret, clock: systemClock },
    onRefused: (reason) => refused.push(reason),
    onChange: () => counts.push(connections.count),
  });
});

afterEach(async () => {
  await core.stop();
  await directory[Symbol.asyncDispose]();
});

describe('the connections that a worker hands on', () => {
  it('reach the core, and are counted until they have ended', async () => {
    const [near, far] = memoryConnection();
    connections.handOn('https', near, peer);
    let heard = '';
    far.on('data', (bytes) => {
      heard += bytes;
    });
    far.write('echo');
    await until('the echo', () => heard === 'echo');
    expect([taken, connections.count, connections.none]).toEqual([[peer], 1, false]);
    far.end();
    await until('the end', () => connections.none);
    expect([counts.at(-1), refused]).toEqual([0, []]);
  });

  it('end at once when the core is not there', async () => {
    await core.stop();
    const [near] = memoryConnection();
    connections.handOn('https', near, peer);
    await until('the end', () => near.destroyed && connections.none);
    expect(refused).toEqual(['the core takes no connections']);
  });

  it('end at once when their certificates say too much', () => {
    const [near] = memoryConnection();
    const certificate = { deviceId: 'x'.repeat(2000), serial: '0a' };
    connections.handOn('mqtt', near, { ...peer, certificate });
    expect([near.destroyed, connections.none, refused]).toEqual([true, true, ['a name too long']]);
  });
});
