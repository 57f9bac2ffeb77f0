import { request } from 'node:https';
import { signedHeadersOf } from '@ioto/protocol';
import { CodedError } from '@ioto/runtime';
import { Command, Option } from 'commander';
import { EventReader } from '../cloudwatch-logs/event-stream.ts';
import { AdminClient } from './admin-client.ts';
import { stateOption } from './admin-command.ts';
import type { Terminal } from './terminal.ts';

interface Options {
  state: string;
  account: string;
  stream?: string;
}

interface Update {
  sessionMetadata?: { sampled: boolean };
  sessionResults?: { logStreamName: string; timestamp: number; message: string }[];
}

/** Shows lines of a log group as they arrive, by the live tail of CloudWatch Logs, until the command is stopped. */
export function logTail(terminal: Terminal): Command {
  const summary = 'lines of a group as they arrive, as far as they match a filter pattern';
  return new Command('tail')
    .summary(summary)
    .description(summary)
    .argument('<group>')
    .argument('[pattern]')
    .addOption(new Option('--account <id>', 'account ID').makeOptionMandatory())
    .addOption(new Option('--stream <name>', 'only of this stream'))
    .addOption(stateOption())
    .action(async (group: string, pattern: string | undefined, options: Options) => {
      const body = JSON.stringify({
        logGroupIdentifiers: [group],
        logEventFilterPattern: pattern,
        logStreamNames: options.stream === undefined ? undefined : [options.stream],
      });
      await follow(new AdminClient(options.state), options.account, body, terminal);
    });
}

async function follow(
  client: AdminClient,
  accountId: string,
  body: string,
  terminal: Terminal,
): Promise<void> {
  const { at, authority } = await client.place();
  const keys = await client.post('/account/getCreds', { accountId, role: 'viewer' });
  const url = new URL(`https://${at.servername}:${at.port}/`);
  const headers = signedHeadersOf(
    {
      ...{ method: 'POST', url, body, service: 'logs', region: String(keys.region), now: Date.now() },
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'Logs_20140328.StartLiveTail',
      },
    },
    keys as unknown as Parameters<typeof signedHeadersOf>[1],
  );
  const { host, port, servername } = at;
  const call = request({
    ...{ host, port, servername, ca: authority, method: 'POST', path: '/', signal: terminal.stopping },
    headers: { host: url.host, ...headers },
  });
  const answer = new Promise<NodeJS.ReadableStream & { statusCode?: number }>((resolve, reject) => {
    call.once('response', resolve);
    call.once('error', reject);
  });
  call.end(body);
  try {
    await show(await answer, terminal);
  } catch (error) {
    // Stopping it is how it ends.
    if (!terminal.stopping.aborted) throw error;
  }
}

async function show(
  answer: NodeJS.ReadableStream & { statusCode?: number },
  terminal: Terminal,
): Promise<void> {
  const reader = new EventReader();
  let refusal = '';
  for await (const chunk of answer) {
    if (answer.statusCode !== 200) refusal += chunk;
    else for (const { headers, payload } of reader.read(chunk as Buffer)) tell(headers, payload, terminal);
  }
  if (refusal === '') return;
  const { __type = 'CLOUD_REFUSED', message = refusal } = JSON.parse(refusal) as Record<string, string>;
  throw new CodedError(__type, message);
}

function tell(headers: Readonly<Record<string, string>>, payload: Buffer, terminal: Terminal): void {
  const content = JSON.parse(payload.toString()) as Update & { message?: string };
  if (headers[':message-type'] === 'exception') {
    throw new CodedError(String(headers[':exception-type']), String(content.message));
  }
  if (headers[':event-type'] === 'sessionStart') terminal.say('  waiting for lines; stop with Ctrl-C');
  for (const { timestamp, logStreamName, message } of content.sessionResults ?? []) {
    terminal.out(`${new Date(timestamp).toISOString()} ${logStreamName} ${message}\n`);
  }
  if (content.sessionMetadata?.sampled) terminal.say('  more lines arrived than are shown');
}
