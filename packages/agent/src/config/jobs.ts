import { group } from './kinds.ts';

export const jobs = group('jobs of the cloud', {});
