import type { AuditFacts } from '../audit/audit-log.ts';
import type { CertificateRecord } from './device-records.ts';

/** What the audit record says of certificates. The entries go into the commits that make them true. */

export function issuedEntry({ serial, expires, ...record }: CertificateRecord): AuditFacts {
  const { deviceId, accountId } = record;
  const details = { serial, expires };
  return { action: 'certificate.issued', actor: `device:${deviceId}`, accountId, deviceId, details };
}

export function provenEntry({ serial, deviceId, accountId }: CertificateRecord): AuditFacts {
  const actor = `device:${deviceId}`;
  return { action: 'certificate.proven', actor, accountId, deviceId, details: { serial } };
}

/** @param actor Who revoked it; the device itself, when another certificate of it has taken its place. */
export function revokedEntry(record: CertificateRecord, actor: string): AuditFacts {
  const { serial, deviceId, accountId, reason } = record;
  return { action: 'certificate.revoked', actor, accountId, deviceId, details: { serial, reason } };
}

/** A device came back after its certificate had ended. */
export function recoveredEntry(record: CertificateRecord, ended: string): AuditFacts {
  const { serial, deviceId, accountId } = record;
  const details = { serial, ended };
  return { action: 'certificate.recovered', actor: `device:${deviceId}`, accountId, deviceId, details };
}
