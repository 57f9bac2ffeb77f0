import { Agent } from 'node:https';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CloudProgram } from '@ioto/testkit/programs/cloud-program';
import { lineOf } from './lines.ts';

const BATCH = 4000;
const IN_FLIGHT = 4;
/** Milliseconds. */
const LASTS = 8000;

type Keys = Record<'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'region', string>;

/**
 * Lines a second that the built cloud takes from one AWS client, which shares the machine with it: making the JSON, signing
 * it and TLS are in the figure. Four calls are under way at a time.
 */
export async function putOverHttps(state: string): Promise<{ rate: number }> {
  await using cloud = await CloudProgram.start({ state });
  const account = await cloud.id(['account', 'create', 'Bench']);
  const keys = (await cloud.json(['credentials', '--account', account, '--role', 'user'])) as Keys;
  const client = new CloudWatchLogsClient({
    ...{ endpoint: cloud.origin, region: keys.region, credentials: keys },
    // More than the account may put is told to come again.
    maxAttempts: 20,
    requestHandler: { httpsAgent: new Agent({ ca: cloud.authority, keepAlive: true }) },
  });
  const place = { logGroupName: 'ioto', logStreamName: 'bench' };
  await client.send(new CreateLogGroupCommand(place));
  await client.send(new CreateLogStreamCommand(place));
  const messages = Array.from({ length: BATCH }, (_, i) => lineOf(i));
  const started = performance.now();
  const sender = async () => {
    let sent = 0;
    while (performance.now() - started < LASTS) {
      const timestamp = Date.now();
      const logEvents = messages.map((message) => ({ timestamp, message }));
      await client.send(new PutLogEventsCommand({ ...place, logEvents }));
      sent += BATCH;
    }
    return sent;
  };
  const sent = await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  const seconds = (performance.now() - started) / 1000;
  client.destroy();
  return { rate: sent.reduce((a, b) => a + b, 0) / seconds };
}
