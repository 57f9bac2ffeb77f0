import { describe, expect, it } from 'vitest';
import { updateError } from './errors.ts';
import type { Stage, UpdateJournal } from './journal.ts';
import { checkOffer } from './offer.ts';
import {
  afterFailure,
  afterOffer,
  afterStart,
  type EarlierScript,
  ended,
  isStale,
  nextCheck,
  nextStep,
} from './plan.ts';
import { recoveryOf } from './recovery.ts';
import { Throttle } from './throttle.ts';
import { openWindow } from './window.ts';

const offer = { url: 'https://cloud/image', version: '2.0.0', checksum: 'ab'.repeat(32) };
const journal = (stage: Stage, tries = 0): UpdateJournal => ({ current: { offer, stage, tries } });
const settled = { version: offer.version, checksum: offer.checksum };

describe('what is next', () => {
  const times = { now: 100, check: 200, ask: 0, download: 0, apply: 0, isStale: false };
  it.each<[string, UpdateJournal, Partial<typeof times>, object]>([
    ['waits for the check-in', {}, {}, { do: 'wait', until: 200 }],
    ['checks in', {}, { check: 100 }, { do: 'check' }],
    ['downloads first', journal('downloading'), { check: 100 }, { do: 'download' }],
    ['waits with a download', journal('downloading'), { download: 150 }, { do: 'wait', until: 150 }],
    ['checks in meanwhile', journal('downloading'), { download: 150, check: 100 }, { do: 'check' }],
    ['applies first', journal('ready'), { check: 100 }, { do: 'apply' }],
    ['waits for the window', journal('ready'), { apply: 300 }, { do: 'wait', until: 200 }],
    ['asks before it goes by an old offer', journal('ready'), { isStale: true }, { do: 'check' }],
    ['waits to ask', journal('ready'), { isStale: true, ask: 150 }, { do: 'wait', until: 150 }],
    [
      'asks about an old offer when it is time to apply it',
      journal('ready'),
      { isStale: true, apply: 300, check: 400 },
      { do: 'wait', until: 300 },
    ],
    ['leaves it to who has it in hand', journal('handed'), {}, { do: 'wait', until: 200 }],
    [
      'does nothing more before the restart',
      journal('restarting'),
      { check: 100 },
      { do: 'wait', until: Infinity },
    ],
  ])('%s', (_what, before, more, step) => {
    expect(nextStep(before, { ...times, ...more })).toEqual(step);
  });

  it('goes by an offer for a period, and no longer', () => {
    const facts = { now: 10_000, period: 5000 };
    expect(isStale({ checked: 5000 }, facts)).toBe(false);
    expect(isStale({ checked: 4999 }, facts)).toBe(true);
    expect(isStale({ checked: 10_001 }, facts)).toBe(true);
    expect(isStale({}, facts)).toBe(true);
    expect(isStale({ checked: 1 }, { ...facts, period: Infinity })).toBe(false);
  });

  it('is a check-in a period after the last, whatever happened in between, but soon when there is something to tell', () => {
    const facts = { now: 5000, started: 1000, delay: 15, period: 1600 };
    expect(nextCheck({}, { ...facts, now: 1000 })).toBe(1015);
    expect(nextCheck({ checked: 4900 }, facts)).toBe(6500);
    expect(nextCheck({ checked: 4900 }, { ...facts, period: 0 })).toBe(5900);
    expect(nextCheck({ checked: -900 }, { ...facts, now: 1000 })).toBe(1015);
    expect(nextCheck({ checked: 9000 }, facts)).toBe(5000);
    const report = { version: '2.0.0', outcome: 'applied' } as const;
    expect(nextCheck({ checked: 4900, report }, facts)).toBe(5000);
    expect(nextCheck({ checked: 900, report }, { ...facts, now: 1000 })).toBe(1015);
  });
});

describe('a device that comes up', () => {
  it.each<[string, UpdateJournal, string, EarlierScript, Partial<UpdateJournal>]>([
    ['nothing', {}, '1.0.0', 'unknown', {}],
    ['a download', journal('downloading'), '1.0.0', 'unknown', journal('downloading')],
    ['an image', journal('ready'), '1.0.0', 'unknown', journal('ready')],
    ['a script that was cut short', journal('applying', 1), '1.0.0', 'unknown', journal('ready', 1)],
    ['a script that failed', journal('applying', 1), '1.0.0', 'failed', journal('ready', 1)],
    ['an image that nobody has applied yet', journal('handed'), '1.0.0', 'unknown', journal('ready')],
  ])('with the old version and %s goes on', (_what, before, running, script, after) => {
    expect(afterStart(before, running, script)).toEqual(after);
  });

  it.each<[UpdateJournal, string, EarlierScript, string, string | undefined]>([
    [journal('applying', 1), '2.0.0', 'unknown', 'applied', undefined],
    [journal('handed'), '2.0.0', 'unknown', 'applied', undefined],
    [journal('restarting'), '2.0.0', 'unknown', 'applied', undefined],
    [journal('applying', 1), '1.0.0', 'applied', 'applied', undefined],
    [journal('restarting'), '1.0.0', 'unknown', 'failed', 'UPDATE_NOT_TAKEN'],
    [journal('applying', 1), '1.0.0', 'done', 'failed', 'UPDATE_NOT_TAKEN'],
    [journal('applying', 3), '1.0.0', 'unknown', 'failed', 'UPDATE_SCRIPT'],
  ])('%j and runs %s (script %s) says that it was %s', (before, running, script, outcome, code) => {
    const { current, report, settled } = afterStart(before, running, script);
    expect({ current, report: report?.outcome, code: report?.code, settled }).toEqual({
      ...{ current: undefined, report: outcome, code },
      settled: { version: offer.version, checksum: offer.checksum, end: report },
    });
  });

  it('forgets an update that it is past', () => {
    expect(afterStart(journal('ready'), '3.0.0')).toEqual({});
  });
});

describe('an answer to a check-in', () => {
  const facts = { running: '1.0.0', demanded: false };
  it('begins an update, goes on with the same by its new URL, and gives way to another', () => {
    expect(afterOffer({}, offer, facts)).toEqual(journal('downloading'));
    const again = { ...offer, url: 'https://cloud/other', checksum: offer.checksum.toUpperCase() };
    expect(afterOffer(journal('ready', 2), again, facts).current).toEqual({
      offer: again,
      stage: 'ready',
      tries: 2,
    });
    const newer = { ...offer, version: '3.0.0' };
    expect(afterOffer(journal('ready', 2), newer, facts).current).toEqual({
      offer: newer,
      stage: 'downloading',
      tries: 0,
    });
  });

  it('that names no update takes one back, unless it is being applied', () => {
    for (const stage of ['downloading', 'ready'] as const) {
      expect(afterOffer(journal(stage), undefined, facts)).toEqual({});
    }
    for (const stage of ['applying', 'handed', 'restarting'] as const) {
      expect(afterOffer(journal(stage), undefined, facts)).toEqual(journal(stage));
    }
  });

  it('does not bring back what has ended, unless somebody asked', () => {
    expect(afterOffer({ settled }, offer, facts)).toEqual({ settled });
    expect(afterOffer({ settled }, offer, { ...facts, demanded: true }).current?.stage).toBe('downloading');
    const other = { ...offer, checksum: 'cd'.repeat(32) };
    expect(afterOffer({ settled }, other, facts).current?.stage).toBe('downloading');
  });

  it('with an older version than was ever applied is refused, also where an older one runs', () => {
    const { highest } = ended(journal('applying', 1), { version: '2.0.0', outcome: 'applied' });
    expect(highest).toBe('2.0.0');
    expect(afterOffer({ highest: '2.1.0' }, offer, facts).report).toMatchObject({ code: 'UPDATE_DOWNGRADE' });
    expect(afterOffer({ highest: '2.0.0' }, offer, facts).current?.stage).toBe('downloading');
    expect(ended({ highest: '3.0.0' }, { version: '2.0.0', outcome: 'applied' }).highest).toBe('3.0.0');
    expect(ended({}, { version: '2.0.0', outcome: 'failed' }).highest).toBeUndefined();
  });

  it('with an older version is refused, and told of once', () => {
    const after = afterOffer({}, offer, { running: '2.1.0', demanded: false });
    expect(after).toMatchObject({ report: { version: '2.0.0', code: 'UPDATE_DOWNGRADE' }, settled });
    expect(
      afterOffer({ settled: after.settled }, offer, { running: '2.1.0', demanded: false }).report,
    ).toBeUndefined();
    expect(afterOffer({}, offer, { running: '2.0.0', demanded: false })).toEqual({});
  });
});

describe('a failure', () => {
  it('is tried again a few times, and then is the end', () => {
    const problem = { code: 'UPDATE_CHECKSUM', message: 'x' };
    const again = { again: 'downloading' } as const;
    expect(afterFailure(journal('downloading', 0), problem, again)).toEqual(journal('downloading', 1));
    expect(afterFailure(journal('downloading', 2), problem, again)).toEqual({
      settled: { ...settled, end: { version: '2.0.0', outcome: 'failed', ...problem } },
      report: { version: '2.0.0', outcome: 'failed', ...problem },
    });
    // Beginning to apply has counted already.
    expect(afterFailure(journal('applying', 2), problem, { again: 'ready' })).toEqual(journal('ready', 2));
    expect(afterFailure(journal('applying', 3), problem, { again: 'ready' }).report?.outcome).toBe('failed');
    expect(afterFailure(journal('downloading', 0), problem, { again: 'never' }).report?.outcome).toBe(
      'failed',
    );
  });

  it.each([
    ['UPDATE_UNSIGNED', 0, 'give-up'],
    ['UPDATE_SIGNATURE', 0, 'give-up'],
    ['UPDATE_DOWNGRADE', 0, 'give-up'],
    ['UPDATE_TOO_LARGE', 0, 'give-up'],
    ['UPDATE_CHECKSUM', 0, 'fetch-anew'],
    ['UPDATE_SCRIPT', 0, 'apply-later'],
    ['UPDATE_NO_SCRIPT', 0, 'leave'],
    ['UPDATE_NO_ROOM', 0, 'leave'],
    ['UPDATE_TRUNCATED', 0, 'go-on'],
    ['UPDATE_TRUNCATED', 8, 'leave'],
    ['UPDATE_URL', 0, 'renew-url'],
    ['UPDATE_URL', 8, 'leave'],
  ] as const)('%s after %i that broke off: %s', (code, broken, recovery) => {
    expect(recoveryOf(updateError(code, 'x'), broken)).toBe(recovery);
    expect(recoveryOf(updateError('UPDATE_CHECKSUM', 'x', { details: { resumed: true } }), 0)).toBe(
      'begin-anew',
    );
    expect(recoveryOf(new Error('x'), 0)).toBe('go-on');
  });
});

describe('an image', () => {
  const trust = { keys: [], unsigned: true, product: 'P', maxSize: 100 };
  it.each([
    ['2.0.1', 'UPDATE_DOWNGRADE'],
    ['2.0.0', 'UPDATE_DOWNGRADE'],
  ])('of 2.0.0 is not for a device that runs %s', (running, code) => {
    expect(() => checkOffer(offer, trust, running)).toThrow(expect.objectContaining({ code }));
    expect(() => checkOffer(offer, trust, '1.9.9')).not.toThrow();
  });
});

describe('a window', () => {
  const at = (hour: number, minute: number, day = 5) => new Date(2026, 0, day, hour, minute, 30).getTime();
  it('is open in its minutes, and opens next when it does', async () => {
    const night = await openWindow('* 1-4 * * *', 'update.apply');
    expect(night.from(at(3, 59))).toBe(at(3, 59));
    expect(night.from(at(5, 0))).toBe(new Date(2026, 0, 6, 1, 0, 0).getTime());
    expect((await openWindow(undefined, 'x')).from(at(5, 0))).toBe(at(5, 0));
    expect((await openWindow('* * * * *', 'x')).from(at(5, 0))).toBe(at(5, 0));
    expect((await openWindow('0 0 31 2 *', 'x')).from(at(5, 0))).toBe(Infinity);
  });

  it('that is none is a mistake in the configuration', async () => {
    const refused = expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('update.apply: "daily"'),
    });
    await expect(openWindow('daily', 'update.apply')).rejects.toEqual(refused);
  });
});

describe('a throttle', () => {
  it('lets so many bytes through in a second, however they come', () => {
    const throttle = new Throttle(1000);
    expect(throttle.after(500, 0)).toBe(500);
    expect(throttle.after(500, 100)).toBe(900);
    expect(throttle.after(100, 5000)).toBe(100);
    expect(new Throttle(Infinity).after(10 ** 9, 0)).toBe(0);
  });
});
