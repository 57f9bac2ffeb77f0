// What most would take in Node: fastify with its plugin for static files, as it comes.
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';

const { http, root } = JSON.parse(process.argv[2]);
const server = fastify();
server.register(fastifyStatic, { root });
await server.listen({ port: http, host: '127.0.0.1' });
process.once('SIGTERM', () => process.exit(0));
process.stderr.write('ready\n');
