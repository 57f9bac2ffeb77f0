import { constants } from 'node:crypto';
import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { instructions, listen, mutualTls } from './listening.ts';

/** What any endpoint in Node costs at least: connections that are accepted, answered once, and held. */
const { pems } = await instructions();
const CONNACK = Buffer.from([0x20, 2, 0, 0]);
const answer = (socket: import('node:net').Socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => socket.write(CONNACK));
};
const tls = createTlsServer({ ...mutualTls(pems), secureOptions: constants.SSL_OP_NO_TICKET }, answer);
process.send?.({ tcp: await listen(createTcpServer(answer)), tls: await listen(tls) });
