import { Type } from 'typebox';
import { group, text } from './kinds.ts';

export const certificates = group('renewal of the certificate, at two thirds of its life', {
  newKey: Type.Boolean({
    default: false,
    description: 'renew with a new key; else the identity key of the device is certified again',
  }),
  template: text(
    'provisioning template that activates a certificate; needed at AWS, and not at a cloud of ours',
  ),
});
