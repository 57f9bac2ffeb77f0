import { group } from './kinds.ts';

export const logs = group('logs that go to the cloud', {});
