import { group, text } from './kinds.ts';

export const keys = group('short-lived credentials; from the device cloud, unless a role is named', {
  role: text("role alias to ask AWS IoT's credentials provider for, with the device certificate"),
  endpoint: text('host, and port if not 443, of that credentials provider; needed with role'),
  region: text('region of those credentials; default: the one in the name of the endpoint'),
  alpn: text("ALPN protocol to offer there; default: '' to AWS, 'x-amzn-http-ca' elsewhere"),
});
