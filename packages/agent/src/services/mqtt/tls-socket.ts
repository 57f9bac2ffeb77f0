import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { CodedError } from '@ioto/runtime';

export interface TlsTarget {
  endpoint: string;
  port: number;
  /** ALPN protocol to offer; '' offers none. */
  alpn: string;
  certificate: string;
  key: string;
  /** PEM of the authorities to trust; undefined: the system's. */
  ca: string | undefined;
}

/** A socket whose handshake is over, the server's certificate verified. Rejects with the handshake's error, or the signal's reason. */
export function openTls(target: TlsTarget, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const socket = connect(tlsOptions(target));
    // Or a change would wait, up to 40 ms, until the system of the other end has acknowledged what was sent before.
    socket.setNoDelay(true);
    const finish = (settle: () => void) => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('close', onClose);
      settle();
    };
    const onError = (error: unknown) => finish(() => reject(error));
    const onClose = () =>
      finish(() =>
        reject(new CodedError('MQTT_CLOSED', 'the endpoint closed the connection during the handshake')),
      );
    const onAbort = () => {
      finish(() => reject(signal.reason));
      // A destroyed socket may still report an error, which nobody awaits any more.
      socket.on('error', () => undefined).destroy();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once('secureConnect', () => finish(() => resolve(socket)));
  });
}

function tlsOptions({ endpoint, port, alpn, certificate, key, ca }: TlsTarget): ConnectionOptions {
  return {
    host: endpoint,
    port,
    // SNI takes names only [RFC 6066 §3].
    ...(isIP(endpoint) ? {} : { servername: endpoint }),
    ...(alpn === '' ? {} : { ALPNProtocols: [alpn] }),
    ...(ca === undefined ? {} : { ca }),
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
  };
}
