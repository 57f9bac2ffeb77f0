/** AWS IoT's topics of fleet provisioning, built and parsed here alone. They are the same for every device. */

/** How a device asks for a certificate: with a request of its own key, or with none, for a key that the cloud makes. */
export type CertificateWay = 'create-from-csr' | 'create';

export const certificateTopic = {
  create: (way: CertificateWay) => `$aws/certificates/${way}/json`,
  provision: (template: string) => `$aws/provisioning-templates/${template}/provision/json`,
};

/** Where the answers to what is published on `topic` come: accepted and rejected. */
export const answersOf = (topic: string) => `${topic}/+`;

export const accepted = (topic: string) => `${topic}/accepted`;
export const rejected = (topic: string) => `${topic}/rejected`;

export type CertificateRequest =
  | { kind: 'create'; way: CertificateWay }
  | { kind: 'provision'; template: string };

/** What a topic asks for, the inverse of `certificateTopic`; undefined for answers, CBOR, and what is none of these. */
export function parseCertificateTopic(topic: string): CertificateRequest | undefined {
  const [root, kind, name, verb, ...rest] = topic.split('/');
  if (root !== '$aws' || name === undefined) return undefined;
  if (kind === 'certificates' && verb === 'json' && rest.length === 0) {
    return name === 'create' || name === 'create-from-csr' ? { kind: 'create', way: name } : undefined;
  }
  if (kind === 'provisioning-templates' && verb === 'provision' && rest.length === 1 && rest[0] === 'json') {
    return { kind: 'provision', template: name };
  }
  return undefined;
}
