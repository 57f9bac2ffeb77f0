import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { instructions, listen, mutualTls } from './listening.ts';

const { pems } = await instructions();
const aedes = await Aedes.createBroker();
const tcp = await listen(createTcpServer({ noDelay: true }, (socket) => aedes.handle(socket)));
const tls = createTlsServer({ ...mutualTls(pems), noDelay: true }, (socket) => aedes.handle(socket));
process.send?.({ tcp, tls: await listen(tls) });
