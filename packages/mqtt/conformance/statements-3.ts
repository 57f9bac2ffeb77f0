import { BEHAVIOUR } from './mqtt-3/behaviour.ts';
import { CONNECT } from './mqtt-3/connect.ts';
import { FORMAT } from './mqtt-3/format.ts';
import { PUBLISH } from './mqtt-3/publish.ts';
import { SUBSCRIBE } from './mqtt-3/subscribe.ts';
import type { Chapter } from './statement.ts';

/** Every numbered normative statement of MQTT 3.1.1 (appendix B), in its order. */
export const STATEMENTS_3: readonly Chapter[] = [FORMAT, CONNECT, PUBLISH, SUBSCRIBE, BEHAVIOUR];
