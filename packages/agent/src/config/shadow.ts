import { group } from './kinds.ts';

export const shadow = group("the device's shadow", {});
