import type { CertificateRecord, Ownership } from './device-records.ts';

/** Milliseconds that an old certificate holds once a new one is issued, unless the new one is used before. */
export const REPLACEMENT_GRACE = 3_600_000;

/**
 * Milliseconds within which a certificate that was asked for over MQTT must be activated or used; AWS's ownership tokens
 * live as long. Until then it voids nothing.
 */
export const PENDING_LIFE = 3_600_000;

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
  if (hasLapsed(record, now)) return bad('the certificate was neither activated nor used within an hour');
  return { good: true, record };
}

/** True once a later certificate was issued and the grace is over. */
export function isReplaced(record: CertificateRecord, now: number): boolean {
  return record.replaced !== undefined && now - Date.parse(record.replaced) >= REPLACEMENT_GRACE;
}

/** True for one that was asked for over MQTT, and never taken into use. */
export function hasLapsed(record: CertificateRecord, now: number): boolean {
  return record.pending === true && now - Date.parse(record.created) >= PENDING_LIFE;
}

/** The pending certificate to give again to a device that asks anew over MQTT with the same key: its answer was lost. */
export function pendingToRepeat(
  records: readonly CertificateRecord[],
  { publicKey, ownership, now }: { publicKey: string; ownership: Ownership; now: number },
): CertificateRecord | undefined {
  return records.find(
    (record) =>
      record.pending &&
      record.publicKey === publicKey &&
      !record.replaced &&
      // The one that asks must be left the time to use it.
      now - Date.parse(record.created) < PENDING_LIFE / 2 &&
      certificateStanding(record, ownership, now).good,
  );
}

/**
 * True for a device that had a certificate and has let its end go by: what it asks for brings it back, which its owner may
 * not want.
 */
export function hasExpired(
  records: readonly CertificateRecord[],
  ownership: Ownership,
  now: number,
): boolean {
  const own = records.filter(({ generation }) => generation === ownership.generation);
  const isGood = (record: CertificateRecord) => certificateStanding(record, ownership, now).good;
  const isOver = ({ expires, used, revoked }: CertificateRecord) =>
    used !== undefined && revoked === undefined && Date.parse(expires) <= now;
  return own.some(isOver) && !own.some(isGood);
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
  const { live, surplus } = sorted(records, now);
  return {
    put: live.filter((record) => !record.replaced).map((record) => ({ ...record, replaced: now })),
    remove: surplus,
  };
}

/** The same for one that is pending: the others hold until it has been used. */
export function onIssuePending(records: readonly CertificateRecord[], now: string): RecordChanges {
  return { put: [], remove: sorted(records, now).surplus };
}

function sorted(records: readonly CertificateRecord[], now: string) {
  const time = Date.parse(now);
  const isLive = (record: CertificateRecord) =>
    !record.revoked && !isReplaced(record, time) && !hasLapsed(record, time);
  const live = records.filter(isLive);
  return { live, surplus: records.filter((record) => !isLive(record)).slice(KEPT) };
}

/** What activation without a connect changes: of those that were never used, the latest alone goes on. */
export function onActivate(
  activated: CertificateRecord,
  records: readonly CertificateRecord[],
  now: string,
): CertificateRecord[] {
  const { pending: _over, ...active } = activated;
  const unused = records.filter(
    ({ serial, used, pending, revoked, replaced }) =>
      serial !== activated.serial && !used && !pending && !revoked && !replaced,
  );
  return [active, ...unused.map((record) => ({ ...record, replaced: now }))];
}

/** What the first connect with a certificate changes: it is proven, and the ones that it replaced are revoked. */
export function onFirstUse(
  used: CertificateRecord,
  records: readonly CertificateRecord[],
  now: string,
): CertificateRecord[] {
  const { pending: _over, ...proven } = used;
  const replaced = used.replaced
    ? []
    : records.filter((record) => record.serial !== used.serial && !record.revoked);
  return [
    { ...proven, used: now },
    ...replaced.map((record) => ({ ...record, revoked: now, reason: 'replaced by a later certificate' })),
  ];
}

function bad(reason: string): { good: false; reason: string } {
  return { good: false, reason };
}
