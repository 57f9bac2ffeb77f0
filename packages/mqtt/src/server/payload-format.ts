import { isUtf8 } from 'node:buffer';
import type { Properties } from '../codec/properties.ts';
import { REASON } from '../codec/reason-codes.ts';
import { mqttError } from '../errors.ts';

/** What is wrong with a payload that is said to be text (5.0, 3.3.2.3.2): whoever it is for may rely on that. */
export function payloadFault(payload: Buffer, { payloadFormatIndicator }: Properties): string | undefined {
  if (payloadFormatIndicator !== 1 || isUtf8(payload)) return undefined;
  return 'the payload is not the UTF-8 that its format indicator says';
}

export function payloadFormatInvalid(message: string) {
  return mqttError('MQTT_PROTOCOL_VIOLATION', message, {
    details: { reasonCode: REASON.payloadFormatInvalid },
  });
}
