import type { ConnectPacket } from '../codec/packets.ts';
import type { MqttLimits } from './limits.ts';

/**
 * Seconds of silence that a client may keep. One that asks for none gets the longest. One that asks for less than the
 * least gets the least only in MQTT 5, where it can be told so [MQTT5-3.1.2-21]; in 3.1.1 its word counts [MQTT-3.1.2-24].
 */
export function keepAliveOf(
  { keepAlive: asked, protocolLevel }: Pick<ConnectPacket, 'keepAlive' | 'protocolLevel'>,
  { minKeepAlive, maxKeepAlive }: Pick<MqttLimits, 'minKeepAlive' | 'maxKeepAlive'>,
): number {
  if (asked === 0) return maxKeepAlive;
  const least = protocolLevel === 5 ? minKeepAlive : 0;
  return Math.min(Math.max(asked, least), maxKeepAlive);
}
