import type { Database } from '@ioto/database';
import type { Emitter, Logger } from '@ioto/runtime';
import { type Clock, isoTime, messageOf } from '@ioto/runtime';
import type { Checkpoint } from '../../agent.ts';
import type { AgentEvents, DeviceCommand } from '../../agent-events.ts';
import { COMMAND_JOURNAL } from '../database/agent-models.ts';

export interface CommandsOptions {
  database: Database;
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
  checkpoint: (moment: Checkpoint) => void | Promise<void>;
  /** Gives up owner and certificate. */
  release(): Promise<void>;
  /** Asks the cloud for other software; undefined where the service update is off. */
  update?: () => (() => Promise<unknown>) | undefined;
}

/**
 * Journalled IDs beyond this are dropped, oldest first, but for those of Commands that the database still holds. A cloud
 * expires a Command once it is delivered.
 */
const JOURNALLED = 1000;

/** Commands of the owner, each acted on once: its ID is journalled before it is acted on. */
export class Commands {
  readonly #options: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /**
   * A Command came. Its delivery may be the second, after a first that kept the item and no more: whether it has been acted
   * on says the journal alone. One that is not held was removed meanwhile, and is not acted on.
   */
  async received({ id }: Readonly<Record<string, unknown>>): Promise<void> {
    const [held] = this.#options.database.find('Command', { id });
    if (held && id !== undefined) await this.run(held);
  }

  /** Acts on a Command item, unless it has been. Resolves when its ID is durable and its listeners were called. */
  async run(item: Readonly<Record<string, unknown>>): Promise<void> {
    const { database, clock, logger, checkpoint } = this.#options;
    const { id, command, args } = item;
    if (typeof id !== 'string' || typeof command !== 'string') {
      logger.warn({}, 'dropped a Command without id or command');
      return;
    }
    if (database.get(COMMAND_JOURNAL, { id })) return;
    await database.create(COMMAND_JOURNAL, { id, ran: isoTime(clock) }, { exempt: true });
    await this.#prune();
    await checkpoint('command-journalled');
    const known = typeof args === 'object' && args !== null ? (args as Record<string, unknown>) : {};
    await this.#act({ id, command, args: known });
  }

  async #act(command: DeviceCommand): Promise<void> {
    const { events, logger, release } = this.#options;
    logger.info({ id: command.id, command: command.command }, 'acting on a Command');
    events.emit('device:command', command);
    switch (command.command) {
      case 'reboot':
        events.emit('device:reboot', command);
        return;
      case 'release':
      case 'reprovision':
        await release();
        return;
      case 'update':
        this.#update(command.id);
        return;
      default:
        events.emit(`device:command:${command.command}`, command);
    }
  }

  /** Not waited for: the Command is done with the asking, and what comes of it is told by events. */
  #update(id: string): void {
    const { logger, update } = this.#options;
    const check = update?.();
    if (!check) {
      logger.warn({ id }, 'the service update is off: the Command does nothing');
      return;
    }
    check().catch((error) => logger.warn({ id, error: messageOf(error) }, 'could not ask for updates'));
  }

  async #prune(): Promise<void> {
    const { database } = this.#options;
    const runs = database.find(COMMAND_JOURNAL, {});
    if (runs.length <= JOURNALLED) return;
    const held = new Set(database.find('Command', {}).map(({ id }) => id));
    const byTime = runs
      .filter(({ id }) => !held.has(id))
      .sort((left, right) => String(left.ran).localeCompare(String(right.ran)));
    for (const { id } of byTime.slice(0, runs.length - JOURNALLED)) {
      await database.remove(COMMAND_JOURNAL, { id });
    }
  }
}
