import { describe, expect, it } from 'vitest';
import { certificateTopic, parseCertificateTopic } from './certificate-topics.ts';

describe('the topics of fleet provisioning', () => {
  it('are read as they are built', () => {
    for (const way of ['create', 'create-from-csr'] as const) {
      expect(parseCertificateTopic(certificateTopic.create(way))).toEqual({ kind: 'create', way });
    }
    expect(parseCertificateTopic(certificateTopic.provision('lamps'))).toEqual({
      kind: 'provision',
      template: 'lamps',
    });
  });

  it.each([
    '$aws/certificates/create/json/accepted',
    '$aws/certificates/create/cbor',
    '$aws/certificates/destroy/json',
    '$aws/certificates/create',
    '$aws/provisioning-templates/lamps/provision/json/rejected',
    '$aws/provisioning-templates/lamps/provision',
    'aws/certificates/create/json',
    '',
  ])('%j asks for nothing', (topic) => expect(parseCertificateTopic(topic)).toBeUndefined());
});
