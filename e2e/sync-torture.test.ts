import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Torture } from './torture/torture.ts';

const { TORTURE_MINUTES, TORTURE_SEED } = process.env;
/** Of one round; longer runs have more of them. */
const SECONDS = 20;
const rounds = Math.max(1, Math.round((Number(TORTURE_MINUTES ?? 0) * 60) / SECONDS));
const seed = Number(TORTURE_SEED ?? Date.now() % 1_000_000);

let torture: Torture;
beforeAll(async () => {
  torture = await Torture.create(seed);
});
afterAll(() => torture?.[Symbol.asyncDispose]());

describe('two devices, their owner and the cloud, killed and cut off at random while all write', () => {
  it(
    'are in step afterwards, and nothing that was acknowledged is gone',
    async () => {
      for (let round = 0; round < rounds; round += 1) {
        await torture.round(round, SECONDS).catch((error) => {
          throw new Error(`TORTURE_SEED=${seed}, round ${round}: ${error.message}`, { cause: error });
        });
        const facts = JSON.stringify({ ...torture.figures, promises: torture.ledger.promises });
        if (rounds > 1) process.stderr.write(`seed ${seed}, round ${round + 1} of ${rounds}: ${facts}\n`);
      }
      expect(torture.figures).toMatchObject({ kills: expect.toSatisfy((kills: number) => kills > 0) });
    },
    (rounds * (SECONDS + 70) + 30) * 1000,
  );
});
