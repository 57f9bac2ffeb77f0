import { connect, type Socket } from 'node:net';
import { CodedError, isCodedError, systemCode } from '@ioto/runtime';
import { type Address, addressIn } from './address.ts';

/** Milliseconds that an agent may take for an action, and for the next row of an answer. */
const PATIENCE = 2000;
const ROW_PATIENCE = 30_000;

/**
 * Asks the agent that runs on a state directory for an action.
 *
 * @throws CONTROL_NONE when none runs there; CONTROL_REFUSED when it does not know the action.
 */
export async function askAgent(state: string, action: string): Promise<void> {
  const address = addressOrNone(state);
  try {
    const answer = await exchange(address.path, `${action}\n`, state);
    if (answer !== 'ok\n') throw new CodedError('CONTROL_REFUSED', `the agent does not know ${action}`);
  } finally {
    address.release();
  }
}

function addressOrNone(state: string): Address {
  try {
    return addressIn(state);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw none(state, error);
    throw error;
  }
}

function exchange(path: string, request: string, state: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path, () => socket.write(request));
    const fail = (error?: unknown) => {
      socket.destroy();
      reject(none(state, error));
    };
    socket.setTimeout(PATIENCE, fail);
    socket.on('error', fail);
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.on('end', () => {
      socket.destroy();
      resolve(answer);
    });
  });
}

function none(state: string, cause: unknown): CodedError {
  return new CodedError('CONTROL_NONE', `no agent runs on the state directory ${state}`, { cause });
}

/**
 * Asks the agent that runs on a state directory, and gives its answer row by row.
 *
 * @throws CONTROL_NONE when none runs there, before the first row; CONTROL_BROKEN when it ends amid its answer;
 * CONTROL_REFUSED; whatever the agent refuses the request with.
 */
export async function* requestRows<T extends object>(state: string, request: object): AsyncGenerator<T> {
  const address = addressOrNone(state);
  let isAnswered = false;
  const socket = connect(address.path);
  socket.setEncoding('utf8');
  socket.setTimeout(ROW_PATIENCE, () => socket.destroy());
  try {
    await opened(socket, state);
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of linesOf(socket)) {
      isAnswered = true;
      const answer = parseAnswer(line);
      if (answer.end) return;
      if (answer.error)
        throw new CodedError(answer.error.code, answer.error.message, { details: answer.error.details });
      yield answer.row as T;
    }
    throw isAnswered ? new CodedError('CONTROL_BROKEN', 'the agent ended amid its answer') : unanswered();
  } catch (error) {
    throw isCodedError(error, 'CONTROL_BROKEN') && !isAnswered ? unanswered(error) : error;
  } finally {
    socket.destroy();
    address.release();
  }
}

function unanswered(cause?: unknown): CodedError {
  const message = 'the agent gave no answer: it is ending, or too many programs ask it at once. Try again';
  return new CodedError('CONTROL_BROKEN', message, { cause, retryable: true });
}

interface Answer {
  row?: object;
  end?: boolean;
  error?: { code: string; message: string; details?: Readonly<Record<string, unknown>> };
}

/** An agent of before answers what it does not know with a word. */
function parseAnswer(line: string): Answer {
  try {
    return JSON.parse(line) as Answer;
  } catch (cause) {
    throw new CodedError('CONTROL_REFUSED', 'the agent is of an older version and does not know this', {
      cause,
    });
  }
}

function opened(socket: Socket, state: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(none(state, error)));
  });
}

async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const text of socket) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (cause) {
    throw new CodedError('CONTROL_BROKEN', 'the agent ended amid its answer', { cause });
  }
}
