import { describe, expect, it } from 'vitest';
import { bytesInWords, checkInWords, salvageInWords, statsInWords } from './words.ts';

const stats = {
  ...{ items: 11, size: 2826, outbox: 0, lost: {}, changes: 0, commits: 0, failedCommits: 0, compactions: 0 },
  ...{ journalBytes: 4504, snapshotBytes: 0, writtenBytes: 0 },
};

const told = (words: object) => Object.fromEntries(Object.entries(words).filter(([, text]) => text));

describe('the figures of a database, in words', () => {
  it('have units, and leave out what there is nothing to say of', () => {
    expect(told(statsInWords(stats))).toEqual({
      items: '11, together 2.8 KiB',
      'to the cloud': 'nothing waits',
      'given up': 'none',
      files: 'no snapshot yet, journal 4.4 KiB',
    });
  });

  it('tell of writes since the start, of what waits and of what was given up', () => {
    const busy = {
      ...stats,
      outbox: 1,
      lost: { Log: 3, Store: 0 },
      changes: 6,
      commits: 1,
      writtenBytes: 1614,
    };
    expect(told(statsInWords({ ...busy, bytesPerChange: 269.4, failedCommits: 2 }))).toMatchObject({
      'to the cloud': '1 change waiting',
      'given up': '3 of Log',
      'since the start': '6 changes in 1 commit, 1.6 KiB written, 269 bytes a change',
      'failed commits': '2',
    });
  });

  it('say what is damaged, and where', () => {
    const lost = [
      { file: '/db/device.1.journal', offset: 100, bytes: 1, reason: 'damaged' as const },
      { file: '/db/device.2.journal', offset: 0, bytes: 0, reason: 'missing' as const },
    ];
    expect(told(checkInWords({ isSound: false, problem: 'a record is damaged', lost }))).toEqual({
      database: 'damaged',
      problem: 'a record is damaged',
      'lost (1)': '/db/device.1.journal:100, 1 byte, damaged',
      'lost (2)': '/db/device.2.journal:0, missing',
    });
    expect(salvageInWords(undefined)).toEqual({ database: 'sound: there is nothing to salvage' });
  });
});

it('a number of bytes never reads as 1024 of a unit', () => {
  expect([0, 1, 1023, 1024, 1_048_575, 1_048_576, 5e9].map(bytesInWords)).toEqual([
    ...['0 bytes', '1 byte', '1023 bytes', '1.0 KiB', '1.0 MiB', '1.0 MiB', '4.7 GiB'],
  ]);
});
