// Asks AWS's own credentials provider for X.509 certificates (aws-crt) for credentials, and puts a metric with them. What the
// cloud answered to that goes to standard output, as one line of JSON.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as send } from 'node:https';
import { text } from 'node:stream/consumers';
import crt from 'aws-crt';

const { auth, http, io } = crt;
const { thingName, roleAlias, cert, key, ca, port } = JSON.parse(await text(process.stdin));
const tls = io.TlsContextOptions.create_client_with_mtls_from_path(cert, key);
tls.override_default_trust_store_from_path(undefined, ca);
// It always goes to port 443 of the endpoint.
const provider = auth.AwsCredentialsProvider.newX509({
  ...{ endpoint: 'localhost', thingName, roleAlias },
  tlsContext: new io.ClientTlsContext(tls),
});
const body = JSON.stringify({ Namespace: 'Crt', MetricData: [{ MetricName: 'Heat', Value: 3 }] });
const headers = new http.HttpHeaders([
  ['host', `localhost:${port}`],
  ['content-type', 'application/x-amz-json-1.0'],
  ['x-amz-target', 'GraniteServiceVersion20100801.PutMetricData'],
]);
const outcome = await auth
  .aws_sign_request(new http.HttpRequest('POST', '/', headers), {
    algorithm: auth.AwsSigningAlgorithm.SigV4,
    signature_type: auth.AwsSignatureType.HttpRequestViaHeaders,
    ...{ provider, region: 'local', service: 'monitoring', date: new Date() },
    signed_body_value: createHash('sha256').update(body).digest('hex'),
    signed_body_header: auth.AwsSignedBodyHeaderType.None,
  })
  .then(
    (signed) => answerTo(Object.fromEntries([...signed.headers])),
    (error) => ({ failed: String(error.message ?? error) }),
  );
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.stdout.write('over\n');
// The native part keeps the process alive.
process.exit(0);

function answerTo(signed) {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', port, ca: readFileSync(ca), headers: signed };
    const request = send('https://localhost/', options, async (answer) =>
      resolve({ status: answer.statusCode, body: await text(answer) }),
    );
    request.on('error', reject);
    request.end(body);
  });
}
