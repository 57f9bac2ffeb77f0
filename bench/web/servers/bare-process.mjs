// What any web server in Node costs at least: answers that lie in memory, by path, to whoever asks.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { http, https, answers, tls } = JSON.parse(process.argv[2]);
const ready = new Map(
  Object.entries(JSON.parse(readFileSync(answers, 'utf8'))).map(([path, { headers, body }]) => [
    path,
    { headers, body: Buffer.from(body, 'base64') },
  ]),
);
// As ours does, which keeps the idle ones of the memory bench.
const options = { keepAliveTimeout: 600_000 };
const answer = (request, response) => {
  const { headers, body } = ready.get(request.url);
  response.writeHead(200, headers);
  response.end(body);
};
const servers = [createServer(options, answer).listen(http, '127.0.0.1')];
if (tls) {
  const { createServer: createTlsServer } = await import('node:https');
  const secure = {
    ...{ ...options, cert: readFileSync(tls.certificate), key: readFileSync(tls.key) },
    ...{ minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'], honorCipherOrder: true },
  };
  servers.push(createTlsServer(secure, answer).listen(https, '127.0.0.1'));
}
await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
process.once('SIGTERM', () => process.exit(0));
process.stderr.write('ready\n');
