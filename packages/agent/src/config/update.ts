import { group } from './kinds.ts';

export const update = group("updates of the device's software", {});
