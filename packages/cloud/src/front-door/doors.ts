/** The three ways that a TLS connection can be served. */
export type Door = 'mqtt' | 'https' | 'https-with-certificate';

export const DOORS: readonly Door[] = ['mqtt', 'https', 'https-with-certificate'];

const MQTT_PROTOCOLS = ['x-amzn-mqtt-ca', 'mqtt'];
const CERTIFICATE_PROTOCOL = 'x-amzn-http-ca';

/** Which door the protocols that a client offers lead to on the main port (Ioto contract §3). */
export function doorFor(alpn: readonly string[]): Door {
  if (alpn.some((protocol) => MQTT_PROTOCOLS.includes(protocol))) return 'mqtt';
  if (alpn.includes(CERTIFICATE_PROTOCOL)) return 'https-with-certificate';
  return 'https';
}

/**
 * The protocol that a door agrees to among those offered; undefined refuses the handshake. On listeners of their own MQTT
 * and mutual TLS are spoken whatever the client offers.
 */
export function agreedProtocol(door: Door, offered: readonly string[]): string | undefined {
  const spoken = {
    mqtt: MQTT_PROTOCOLS,
    https: ['http/1.1'],
    'https-with-certificate': [CERTIFICATE_PROTOCOL, 'http/1.1'],
  };
  const agreed = spoken[door].find((protocol) => offered.includes(protocol));
  return agreed ?? (door === 'https' ? undefined : offered[0]);
}
