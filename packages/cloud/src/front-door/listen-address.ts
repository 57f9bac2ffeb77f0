import { CodedError, systemCode } from '@ioto/runtime';

export interface ListenAddress {
  host: string;
  port: number;
}

/** Connections that the system keeps for a listener until they are taken. */
export const BACKLOG = 4096;

/** What is told when an address cannot be listened on; `error` is the system's. */
export function listenFailed({ host, port }: ListenAddress, error: unknown): CodedError {
  const message = `cannot listen on ${host}:${port} (${systemCode(error)}): choose a free port of this machine`;
  return new CodedError('LISTEN_FAILED', message, { cause: error });
}
