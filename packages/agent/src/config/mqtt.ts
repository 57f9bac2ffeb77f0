import { Type } from 'typebox';
import { group, port, text, time } from './kinds.ts';

export const mqtt = group('connection to the cloud', {
  authority: text('file of the authorities to trust; default: the one that came with the certificate'),
  endpoint: text('DNS name to connect to instead of the provisioned one'),
  port: port('port to connect to instead of the provisioned one'),
  alpn: Type.String({
    default: 'x-amzn-mqtt-ca',
    maxLength: 255,
    description: "ALPN protocol; '' offers none",
  }),
  delay: time('0', 'wait before the first connect of a start'),
  timeout: time('30 secs', 'longest wait for a connection, an answer to a subscription, or a PUBACK'),
  keepAlive: time('2 mins', 'silence after which the connection is probed'),
  first: time('1 sec', 'first delay before connecting again'),
  limit: time('2 mins', 'longest delay before connecting again'),
  schedule: text('cron window in which to be connected; not supported by this build'),
});
