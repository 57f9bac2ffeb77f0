import { ACKNOWLEDGEMENTS } from './mqtt-5/acknowledgements.ts';
import { BEHAVIOUR } from './mqtt-5/behaviour.ts';
import { CONNACK } from './mqtt-5/connack.ts';
import { CONNECT } from './mqtt-5/connect.ts';
import { DISCONNECT } from './mqtt-5/disconnect.ts';
import { FORMAT } from './mqtt-5/format.ts';
import { PUBLISH } from './mqtt-5/publish.ts';
import { SUBSCRIBE } from './mqtt-5/subscribe.ts';
import { TOPICS } from './mqtt-5/topics.ts';
import type { Chapter } from './statement.ts';

/** Every numbered normative statement of MQTT 5.0 (appendix B), in its order. */
export const STATEMENTS_5: readonly Chapter[] = [
  ...[FORMAT, CONNECT, CONNACK, PUBLISH, ACKNOWLEDGEMENTS],
  ...[SUBSCRIBE, DISCONNECT, BEHAVIOUR, TOPICS],
];
