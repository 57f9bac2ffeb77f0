import { messageOf, systemCode } from '@ioto/runtime';

/** How a connection, or the attempt at one, ended. */
export interface ConnectionEnd {
  /**
   * `refused`: the endpoint said that it does not accept this device's certificate. `unanswered`: it closed before saying
   * anything, as AWS does with a certificate it does not know. `unreachable`: no connection came about. `lost`: an
   * established one broke. `ended`: this side ended it.
   */
  kind: 'refused' | 'unanswered' | 'unreachable' | 'lost' | 'ended';
  code: string;
  message: string;
}

/** TLS alerts by which a server refuses a client's certificate, within OpenSSL's names for them. */
const CERTIFICATE_ALERT =
  /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)/;

/** CONNACK return codes that judge the device: identifier rejected, bad credentials, not authorized [MQTT-3.2.2-4]. */
const REFUSING_CODES = new Set([2, 4, 5]);

/** What an error before the end of the handshake, or after it, means. */
export function endOfSocket(error: unknown, stage: 'connecting' | 'unanswered' | 'connected'): ConnectionEnd {
  const code = systemCode(error) ?? 'MQTT_CLOSED';
  const message = error === undefined ? 'the endpoint closed the connection' : messageOf(error);
  if (CERTIFICATE_ALERT.test(code)) return { kind: 'refused', code: 'MQTT_CERTIFICATE_REFUSED', message };
  const kind = { connecting: 'unreachable', unanswered: 'unanswered', connected: 'lost' } as const;
  return { kind: kind[stage], code, message };
}

/** What a CONNACK with a return code other than 0 means. */
export function endOfConnack(returnCode: number): ConnectionEnd {
  const refused = REFUSING_CODES.has(returnCode);
  return {
    kind: refused ? 'refused' : 'unreachable',
    code: refused ? 'MQTT_CONNECT_REFUSED' : 'MQTT_UNAVAILABLE',
    message: `the endpoint refused the connection with return code ${returnCode}`,
  };
}
