import type { CertificateRecord, Ownership } from './device-records.ts';

/** Milliseconds that an old certificate holds once a new one is issued, unless the new one is used before. */
export const REPLACEMENT_GRACE = 3_600_000;

/** Ended certificates that are kept, so that one can see what a device did; beyond it the oldest go. */
const KEPT = 20;

/** Whether a certificate may connect now, and why not. Its record is what counts: a copy of it proves nothing. */
export function certificateStanding(
  record: CertificateRecord | undefined,
  ownership: Ownership | undefined,
  now: number,
): { good: true; record: CertificateRecord } | { good: false; reason: string } {
  if (ownership?.state !== 'claimed') return bad('the device is not claimed');
  if (!record) return bad('the certificate is not one of this cloud');
  if (record.revoked) return bad(`the certificate was revoked: ${record.reason ?? 'no reason given'}`);
  if (record.generation !== ownership.generation || record.accountId !== ownership.accountId) {
    return bad('the certificate is of an earlier ownership');
  }
  if (Date.parse(record.expires) <= now) return bad('the certificate has expired');
  if (isReplaced(record, now)) return bad('the certificate was replaced more than an hour ago');
  return { good: true, record };
}

/** True once a later certificate was issued and the grace is over. */
export function isReplaced(record: CertificateRecord, now: number): boolean {
  return record.replaced !== undefined && now - Date.parse(record.replaced) >= REPLACEMENT_GRACE;
}

/**
 * The certificate to give again to a device that asks with a key it has one for: good, the latest, and with more than a
 * third of its life left.
 */
export function certificateToRepeat(
  records: readonly CertificateRecord[],
  { publicKey, ownership, now }: { publicKey: string; ownership: Ownership; now: number },
): CertificateRecord | undefined {
  return records.find((record) => {
    if (record.publicKey !== publicKey || record.replaced) return false;
    const [start, end] = [Date.parse(record.issued), Date.parse(record.expires)];
    return certificateStanding(record, ownership, now).good && end - now > (end - start) / 3;
  });
}

export interface RecordChanges {
  put: CertificateRecord[];
  remove: CertificateRecord[];
}

/** What becomes of a device's other certificates when a new one is issued. `records` are the latest first. */
export function onIssue(records: readonly CertificateRecord[], now: string): RecordChanges {
  const live = records.filter((record) => !record.revoked && !isReplaced(record, Date.parse(now)));
  const ended = records.filter((record) => !live.includes(record));
  return {
    put: live.filter((record) => !record.replaced).map((record) => ({ ...record, replaced: now })),
    remove: ended.slice(KEPT),
  };
}

/** What the first connect with a certificate changes: the ones that it replaced are revoked. */
export function onFirstUse(
  used: CertificateRecord,
  records: readonly CertificateRecord[],
  now: string,
): CertificateRecord[] {
  const replaced = used.replaced
    ? []
    : records.filter((record) => record.serial !== used.serial && !record.revoked);
  return [
    { ...used, used: now },
    ...replaced.map((record) => ({ ...record, revoked: now, reason: 'replaced by a later certificate' })),
  ];
}

function bad(reason: string): { good: false; reason: string } {
  return { good: false, reason };
}
