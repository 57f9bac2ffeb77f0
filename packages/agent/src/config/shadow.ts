import { group, time } from './kinds.ts';

export const shadow = group("the device's shadow", {
  save: time('5 secs', 'how long changes may wait before they are written to @db/shadow.json5'),
});
