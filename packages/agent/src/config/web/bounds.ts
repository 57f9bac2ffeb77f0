import { count, group, size, time } from '../kinds.ts';

export const limits = group('bounds on what clients may cost', {
  connections: count('64', 'connections at once; further ones are reset'),
  header: size('10k', 'request line and headers together'),
  headers: count('100', 'header lines of a request'),
  requests: count('1000', 'requests of a connection'),
  pipeline: count('16', 'requests of a connection that wait for their turn; more end it'),
});

export const timeouts = group('patience with clients', {
  parse: time('10 secs', 'from the first byte of a request to the end of its headers'),
  inactivity: time('60 secs', 'without a byte either way within a request'),
  keepAlive: time('10 secs', 'without a request on a connection'),
  request: time('10 mins', 'for a whole request'),
});
