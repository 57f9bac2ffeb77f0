import { execFile } from 'node:child_process';
import { parseTypedClaimId } from '@ioto/protocol';
import { CodedError, messageOf } from '@ioto/runtime';
import type { UrlFetch } from '../url/fetch.ts';

/** What a factory says of a device: its claim ID and, if it likes, further properties of device.json5. */
export type FactoryAnswer = Record<string, unknown> & { id: string };

/** A factory's answer is a label's worth of facts. */
const LONGEST_ANSWER = 64 * 1024;

/**
 * Asks a factory service for this device's identity: a POST of what the device knows of itself, answered by
 * `{ "id": "…", "product"?: "…", … }`.
 *
 * @throws SERIALIZE_FAILED
 */
export async function askFactoryService(
  fetch: UrlFetch,
  url: string,
  device: Readonly<Record<string, unknown>>,
  timeout: number,
): Promise<FactoryAnswer> {
  let body: unknown;
  try {
    const answer = await fetch(url, { method: 'POST', json: device, timeout, limit: LONGEST_ANSWER });
    if (answer.status < 200 || answer.status > 299) throw new Error(`it answered ${answer.status}`);
    body = answer.json();
  } catch (error) {
    throw failed(`the factory service at ${new URL(url).host}: ${messageOf(error)}`, error);
  }
  return readAnswer(body, `the factory service at ${new URL(url).host}`);
}

/**
 * Runs the configured command, whose standard output is the claim ID or the object of a factory's answer.
 *
 * @throws SERIALIZE_FAILED
 */
export async function askFactoryCommand(command: string, timeout: number): Promise<FactoryAnswer> {
  const output = await new Promise<string>((resolve, reject) => {
    // A command of the maker's own configuration: a shell line, as Ioto's scripts are.
    execFile('/bin/sh', ['-c', command], { timeout, maxBuffer: LONGEST_ANSWER }, (error, stdout) => {
      if (error) reject(failed(`scripts.serialize: ${reasonOf(error)}`, error));
      else resolve(stdout.trim());
    });
  });
  return readAnswer(output.startsWith('{') ? parseObject(output) : { id: output }, 'scripts.serialize');
}

function readAnswer(answer: unknown, who: string): FactoryAnswer {
  const { id, claim, ...properties } = (answer ?? {}) as Record<string, unknown>;
  const given = id ?? claim;
  if (typeof given !== 'string') throw failed(`${who} gave no id`);
  try {
    return { ...properties, id: parseTypedClaimId(given) };
  } catch (error) {
    throw failed(`${who}: ${messageOf(error)}`, error);
  }
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw failed('scripts.serialize printed neither a claim ID nor an object', error);
  }
}

function reasonOf(error: {
  killed?: boolean;
  code?: string | number | null;
  signal?: string | null;
}): string {
  if (error.killed) return 'did not end in time';
  return typeof error.code === 'number' ? `exit code ${error.code}` : String(error.code ?? error.signal);
}

function failed(message: string, cause?: unknown): CodedError {
  return new CodedError('SERIALIZE_FAILED', message, { cause, retryable: true });
}
