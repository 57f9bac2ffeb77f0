import { CodedError, sleep } from '@ioto/runtime';
import type { CloseReason } from './mqtt-connection.ts';
import type { OldAgent } from './old-agent.ts';

export interface LifeOptions {
  signal: AbortSignal;
  /** Asks for an update 15 s after the start. */
  updates?: boolean;
}

const UPDATE_AFTER = 15_000;
const FAILURES_BEFORE_FORGETTING = 3;
const FORGETTINGS_A_BOOT = 5;

/**
 * One boot of an Ioto 3.0 agent, from power-on until the signal aborts.
 *
 * @throws OLD_AGENT_EXITED when the very first register call fails; OLD_AGENT_BROKE when the cloud broke it.
 */
export async function lifeOf(agent: OldAgent, { signal, updates = false }: LifeOptions): Promise<void> {
  let failures = 0;
  let forgettings = 0;
  const cancelUpdate = updates ? scheduleUpdate(agent, signal) : () => undefined;
  const onAbort = () => agent.drop();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (let first = true; !signal.aborted; first = false) {
      if (!agent.hasCertificate) await onboard(agent, signal, first);
      const connected = await connectOnce(agent, signal);
      failures = connected ? 0 : failures + 1;
      if (failures >= FAILURES_BEFORE_FORGETTING && forgettings < FORGETTINGS_A_BOOT) {
        forgettings += 1;
        failures = 0;
        agent.forget('it could not connect');
      } else if (!connected) await sleep(agent.clock, pollDelay(failures - 1), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    cancelUpdate();
    signal.removeEventListener('abort', onAbort);
    agent.drop();
  }
}

/** 1.25 s, 1.5 s, 1.75 s, …; from the beginning at every boot. */
export function pollDelay(attempt: number): number {
  return 1250 + 250 * attempt;
}

async function onboard(agent: OldAgent, signal: AbortSignal, firstOfBoot: boolean): Promise<void> {
  let claimed = await firstRegister(agent, signal, firstOfBoot);
  for (let attempt = 0; !agent.hasCertificate; attempt += 1) {
    if (claimed) {
      const delay = await agent.provision(signal).catch(() => 0);
      if (agent.hasCertificate) return;
      if (delay) await sleep(agent.clock, delay * 1000, signal);
    }
    await sleep(agent.clock, pollDelay(attempt), signal);
    claimed = await agent.register(signal).catch(() => false);
  }
}

async function firstRegister(agent: OldAgent, signal: AbortSignal, firstOfBoot: boolean): Promise<boolean> {
  try {
    return await agent.register(signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!firstOfBoot) return false;
    throw new CodedError('OLD_AGENT_EXITED', 'the first register call failed: the agent exits', {
      cause: error,
    });
  }
}

/** Resolves, when the connection has ended, whether it had come about. */
async function connectOnce(agent: OldAgent, signal: AbortSignal): Promise<boolean> {
  const ended = new Promise<{ reason: CloseReason; error?: unknown }>((resolve) => {
    agent.events.once('disconnected', resolve);
  });
  const connected = await agent.connect().then(
    () => true,
    () => false,
  );
  if (signal.aborted) agent.drop();
  const { reason, error } = await ended;
  signal.throwIfAborted();
  if (reason === 'broke') throw error;
  return connected;
}

function scheduleUpdate(agent: OldAgent, signal: AbortSignal): () => void {
  return agent.clock.after(UPDATE_AFTER, () => {
    if (agent.hasCertificate) agent.checkUpdate(signal).catch(() => undefined);
  });
}
