import { group } from './kinds.ts';

export const keys = group('short-lived credentials', {});
