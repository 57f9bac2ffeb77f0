import { X509Certificate } from 'node:crypto';

/** Names that a server certificate always carries, so that a demo on one machine needs none to be configured. */
const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'];

export function serverNames(hosts: readonly string[]): string[] {
  return [...new Set([...hosts.map((host) => host.toLowerCase()), ...LOCAL_NAMES])];
}

/**
 * True when a server certificate must be made anew: it cannot be read, another authority signed it, less than a third of
 * its life is left, or a name is missing. Names that it carries beyond those do no harm.
 */
export function needsRenewal(
  pem: string | undefined,
  { authority, names, now }: { authority: string; names: readonly string[]; now: number },
): boolean {
  if (!pem) return true;
  try {
    const certificate = new X509Certificate(pem);
    const start = Date.parse(certificate.validFrom);
    const end = Date.parse(certificate.validTo);
    const nearItsEnd = end - now < (end - start) / 3;
    return (
      nearItsEnd ||
      !certificate.verify(new X509Certificate(authority).publicKey) ||
      !names.every(
        (name) => certificate.checkHost(name) !== undefined || certificate.checkIP(name) !== undefined,
      )
    );
  } catch {
    return true;
  }
}
