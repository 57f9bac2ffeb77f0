import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { instructions, listen } from './listening.ts';

const { pems } = await instructions();
const aedes = await Aedes.createBroker();
const tcp = await listen(createTcpServer({ noDelay: true }, (socket) => aedes.handle(socket)));
const tls = createTlsServer(
  {
    cert: pems.certificate,
    key: pems.key,
    ca: pems.authority,
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['mqtt'],
    noDelay: true,
  },
  (socket) => aedes.handle(socket),
);
process.send?.({ tcp, tls: await listen(tls) });
