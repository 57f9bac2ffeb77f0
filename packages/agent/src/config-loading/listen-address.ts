import { CodedError } from '@ioto/runtime';

export interface ListenAddress {
  secure: boolean;
  /** Undefined: every interface. */
  host: string | undefined;
  port: number;
}

/** Where an agent listens that was not told: this machine alone can reach it. */
export const DEFAULT_LISTEN = 'http://127.0.0.1:8080';

const FORM =
  /^(?:(https?):\/\/)?(?:(\[[0-9a-fA-F:.]+\]|[^:/[\]\s]*):)?(\d{1,5})\/?$|^(https?):\/\/([^:/\s]+)\/?$/;

/**
 * One address of web.json5: `http://HOST:PORT`, `http://HOST`, `HOST:PORT`, `:PORT` or a bare port. Without a host it is every interface.
 *
 * @throws CONFIG_INVALID
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = FORM.exec(text.trim());
  const [, scheme, host, port, bareScheme, bareHost] = match ?? [];
  const secure = (scheme ?? bareScheme) === 'https';
  const number = port === undefined ? (secure ? 443 : 80) : Number(port);
  if (!match || number > 65_535) {
    throw new CodedError(
      'CONFIG_INVALID',
      `${JSON.stringify(text)} is no address such as 'http://127.0.0.1:8080' or 'http://:80'`,
    );
  }
  const named = (host ?? bareHost ?? '').replace(/^\[|\]$/g, '');
  return { secure, host: named === '' || named === '*' ? undefined : named, port: number };
}

/** The addresses of `listen`, else of the older `listens`, else the default. */
export function listenAddresses(web: {
  readonly listen?: string | readonly string[];
  readonly listens?: string | readonly string[];
}): ListenAddress[] {
  const given = web.listen ?? web.listens ?? DEFAULT_LISTEN;
  return (typeof given === 'string' ? [given] : given).map(parseListenAddress);
}
