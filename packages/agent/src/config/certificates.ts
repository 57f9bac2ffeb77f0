import { group } from './kinds.ts';

export const certificates = group('renewal of the certificate', {});
