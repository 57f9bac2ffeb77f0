import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFleetIdentities } from '@ioto/testkit/fleet/index';
import { CloudProgram } from '@ioto/testkit/programs/cloud-program';
import { type Bench, figure, percentile } from '../report.ts';
import { claimToConnected } from './claim-to-connected.ts';
import { prepareSite, runLives } from './fleet-life.ts';
import { measureTlsFloor } from './tls-floor.ts';

const DEVICES = 1000;
const CONCURRENCY = 16;
const CLAIMS = 15;

/** Lives of simulated devices against the built cloud, generator and cloud on the same cores; then waiting agents. */
export const bench: Bench = async ({ progress, devices = DEVICES }) => {
  progress(`making ${devices} identities`);
  const identities = await makeFleetIdentities(devices);
  progress('measuring bare Node: one mutual TLS handshake and one signature a device');
  const floor = await measureTlsFloor(identities, CONCURRENCY);
  const state = mkdtempSync(join(tmpdir(), 'ioto-bench-cloud-'));
  try {
    await using cloud = await CloudProgram.start({ state });
    const { site, owner } = await prepareSite(cloud);
    progress(`${devices} lives, ${CONCURRENCY} at a time`);
    const result = await runLives(identities, site, owner, CONCURRENCY, (done) => {
      if (done % 100 === 0) progress(`  ${done}`);
    });
    progress(`${CLAIMS} waiting devices, claimed one after the other`);
    const claims = await claimToConnected(site, owner, CLAIMS);
    site.http.destroy();
    const alone = percentile(floor.alone, 0.5);
    return [
      figure('life.rate', result.devicesPerSecond, 'devices/s', [
        'bare Node TLS and signature',
        floor.devicesPerSecond,
      ]),
      figure('life.p50', percentile(result.lives, 0.5), 'ms'),
      figure('life.p99', percentile(result.lives, 0.99), 'ms'),
      figure('claimToConnected.p50', percentile(claims, 0.5), 'ms', ['bare Node TLS and signature', alone]),
      figure('claimToConnected.p99', percentile(claims, 0.99), 'ms', ['bare Node TLS and signature', alone]),
    ];
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
};
