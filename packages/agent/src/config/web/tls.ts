import { Type } from 'typebox';
import { group, text } from '../kinds.ts';

export const tls = group('HTTPS', {
  certificate: text(
    'file of the certificate and of those that lead to its authority, PEM; without one the device makes its own',
  ),
  key: text('file of its private key, PEM; default: the certificate file'),
  authority: text('file of the authorities that certificates of clients are checked by'),
  verify: group('certificates of clients', {
    client: Type.Boolean({ default: false, description: 'clients must show one' }),
    issuer: Type.Boolean({ default: true, description: 'and one that tls.authority vouches for' }),
  }),
  ciphers: Type.Optional(
    Type.Union([Type.String({ maxLength: 4096 }), Type.Array(Type.String(), { maxItems: 64 })], {
      description: "cipher suites by OpenSSL's or IANA's names, best first; default: those of Node",
    }),
  ),
  minVersion: Type.Union(
    [Type.Literal('TLS1.2'), Type.Literal('TLS1.3'), Type.Literal('TLSv1.2'), Type.Literal('TLSv1.3')],
    { default: 'TLS1.2', description: 'oldest version that is spoken' },
  ),
});
