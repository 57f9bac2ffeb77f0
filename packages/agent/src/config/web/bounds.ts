import { count, group, size, time } from '../kinds.ts';

export const limits = group('bounds on what clients may cost', {
  connections: count('64', 'connections at once; further ones are reset'),
  header: size('10k', 'request line and headers together'),
  headers: count('100', 'header lines of a request'),
  requests: count('1000', 'requests of a connection'),
  pipeline: count('16', 'requests of a connection that wait for their turn; more end it'),
  body: size('100k', 'body of a request that uploads no files'),
  upload: size('20mb', 'one file that is uploaded'),
  uploads: count('10', 'files of a request'),
  buffer: size('64k', 'of an answer that is on its way to a client, before its handler has to wait'),
  sessions: count('20', 'sessions at once'),
  sockets: count('16', 'WebSockets and streams of events at once'),
  maxFrame: size('100k', 'frame of a WebSocket'),
  maxMessage: size('100k', 'message of a WebSocket'),
  digest: count('1000', 'nonces of digest authentication that are remembered'),
});

export const timeouts = group('patience with clients', {
  parse: time('10 secs', 'from the first byte of a request to the end of its headers'),
  inactivity: time('60 secs', 'without a byte either way within a request'),
  keepAlive: time('10 secs', 'without a request on a connection'),
  request: time('10 mins', 'for a whole request'),
  body: time('30 secs', 'in which at least 30k of a body come'),
  session: time('30 mins', 'without a request of a session'),
  tls: time('1 day', 'in which a client resumes its TLS session'),
  digest: time('60 secs', 'life of a nonce of digest authentication'),
});
