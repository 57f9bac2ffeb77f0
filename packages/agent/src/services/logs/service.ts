import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Component, type Emitter, type Logger, messageOf, systemCode } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { AwsFetch, Keys, ProgramLog } from '../../service-apis.ts';
import type { Batch } from './batch.ts';
import { LogsClient, type Refusal } from './client.ts';
import { Delivery } from './delivery.ts';
import type { Destination, Entry } from './entry.ts';
import { GapTeller } from './gap-teller.ts';
import { Pump } from './pump.ts';
import { CommandSource } from './sources/command.ts';
import { FileSet } from './sources/file-set.ts';
import { JournaldSource } from './sources/journald.ts';
import type { Gap } from './sources/source.ts';
import { Spool } from './sources/spool.ts';
import { StateFile } from './state-file.ts';

export interface LogsOptions {
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
  random: () => number;
  keys: Keys;
  fetch: AwsFetch;
  /** Milliseconds since 1970 by the cloud's clock. */
  serverNow(): number;
  /** The account that has the device. */
  owner(): string | undefined;
  /** Where positions and spools lie. */
  directory: string;
  /** Absolute path of one in the configuration. */
  expand(path: string): string;
  entries: readonly Entry[];
  /** The program's own log, and where it goes, when it goes to the cloud. */
  ownLog: { log: ProgramLog; destination: Destination } | undefined;
  /** Bytes of a spool. */
  maxSpool: number;
  /** Milliseconds from one look at the files to the next. */
  poll: number;
  /** Program that reads the journal of systemd. */
  journalctl?: string;
}

interface SavedState {
  owner?: string;
  sources?: Record<string, unknown>;
}

/** Service `logs`: files, commands, the journal and the program's own log, in the cloud. */
export class LogsService implements Component {
  readonly name = 'logs';
  readonly #options: LogsOptions;
  readonly #stateFile: StateFile;
  readonly #delivery: Delivery;
  readonly #gaps: GapTeller;
  readonly #ending = new AbortController();
  /** What says where each source is, by its key in the saved state. */
  readonly #states = new Map<string, () => unknown>();
  readonly #fileSets: FileSet[] = [];
  readonly #spools: Spool[] = [];
  readonly #runs: Promise<void>[] = [];
  readonly #detach: (() => void)[] = [];
  #pump: Pump | undefined;
  #isUnsaved = false;

  constructor(options: LogsOptions) {
    this.#options = options;
    const { clock, logger, random, owner, keys, fetch, events, directory } = options;
    this.#stateFile = new StateFile(directory, clock);
    const client = new LogsClient(keys, fetch);
    this.#delivery = new Delivery({ client, clock, logger, random, owner });
    this.#gaps = new GapTeller(clock, events);
  }

  async start(): Promise<void> {
    const { clock, owner, poll, events, ownLog } = this.#options;
    const saved = ((await this.#stateFile.load()) ?? {}) as SavedState;
    const pump = new Pump({
      clock,
      owner,
      delivery: this.#delivery,
      interval: poll,
      lastOwner: saved.owner,
      look: (window) => this.#look(window),
      moved: () => void this.#save(),
      refused: (batch, refusal) => this.#tellRefusal(batch, refusal),
      broken: ({ name }, error) => this.#tellBroken(name, error),
      lost: this.#lost,
    });
    this.#pump = pump;
    for (const entry of this.#options.entries) await this.#open(entry, saved.sources ?? {}, pump);
    if (ownLog) await this.#openOwnLog(ownLog, saved.sources ?? {}, pump);
    await this.#removeForeignSpools();
    if (this.#stateFile.isDamaged) for (const source of this.#states.keys()) this.#lost(source, {});
    // Each says that the cloud is there, or may take what it refused.
    for (const event of ['mqtt:connected', 'device:provisioned', 'device:claimed'] as const) {
      const hasten = () => {
        this.#delivery.hurry();
        pump.resume();
      };
      this.#detach.push(events.on(event, hasten));
    }
    this.#runs.push(pump.run(this.#ending.signal));
  }

  async stop(): Promise<void> {
    for (const detach of this.#detach.splice(0)) detach();
    this.#ending.abort();
    this.#gaps.stop();
    await Promise.all(this.#runs.splice(0));
    for (const spool of this.#spools) await spool.close();
    if (this.#pump) await this.#save();
    this.#pump = undefined;
    for (const set of this.#fileSets.splice(0)) await set.close();
  }

  async #look(window: Buffer): Promise<void> {
    const areNew = this.#fileSets.some((set) => set.isNew);
    for (const set of this.#fileSets) await set.look(window);
    // What was there at the first look must be known for that at the next start.
    if (areNew) await this.#save();
  }

  /** Spools of commands that are not configured any more. */
  async #removeForeignSpools(): Promise<void> {
    const { directory } = this.#options;
    const found = await readdir(directory, { withFileTypes: true }).catch(() => []);
    for (const entry of found) {
      if (entry.isDirectory() && !this.#states.has(entry.name)) {
        await rm(join(directory, entry.name), { recursive: true, force: true });
      }
    }
  }

  async #open(entry: Entry, saved: Record<string, unknown>, pump: Pump): Promise<void> {
    const { kind } = entry;
    if ('path' in kind) this.#openFiles(entry, kind.path, saved, pump);
    else if ('command' in kind) await this.#openCommand(entry, kind, saved, pump);
    else this.#openJournal(entry, kind.journald, saved, pump);
  }

  #openFiles(entry: Entry, path: string, saved: Record<string, unknown>, pump: Pump): void {
    const { expand } = this.#options;
    const key = this.#keyOf(`file ${path}`);
    const set = new FileSet(
      {
        ...this.#common(),
        entry,
        path: expand(path),
        added: (tail) => pump.add(tail, entry.create),
        removed: (tail) => pump.remove(tail),
      },
      saved[key],
    );
    this.#fileSets.push(set);
    this.#states.set(key, () => set.state());
  }

  async #openCommand(
    entry: Entry,
    { command, every }: { command: string; every: number | undefined },
    saved: Record<string, unknown>,
    pump: Pump,
  ): Promise<void> {
    const { clock, logger, serverNow } = this.#options;
    const digest = createHash('sha256').update(command).digest('hex').slice(0, 12);
    const name = `command ${command.slice(0, 60)}`;
    const spool = await this.#openSpool(name, `command-${digest}`, 'command', entry, saved, pump);
    const source = new CommandSource({ entry, command, every, spool, clock, logger, serverNow });
    this.#runs.push(source.run(this.#ending.signal));
  }

  #openJournal(entry: Entry, unit: string | undefined, saved: Record<string, unknown>, pump: Pump): void {
    const { clock, logger, journalctl = 'journalctl' } = this.#options;
    const key = this.#keyOf(`journald ${unit ?? ''}`);
    const options = { entry, unit, program: journalctl, clock, logger, lost: this.#lost };
    const source = new JournaldSource(options, saved[key]);
    this.#states.set(key, () => source.state());
    pump.add(source, entry.create);
    this.#runs.push(source.run(this.#ending.signal));
  }

  async #openOwnLog(
    { log, destination }: NonNullable<LogsOptions['ownLog']>,
    saved: Record<string, unknown>,
    pump: Pump,
  ): Promise<void> {
    const { serverNow } = this.#options;
    const spool = await this.#openSpool('own log', 'own', 'agent', destination, saved, pump);
    const detach = log.attach((line) => {
      if (spool.isFull) spool.drop(serverNow());
      else spool.add(serverNow(), Buffer.from(line));
    });
    this.#detach.push(detach);
  }

  async #openSpool(
    name: string,
    folder: string,
    filename: string,
    destination: Destination,
    saved: Record<string, unknown>,
    pump: Pump,
  ): Promise<Spool> {
    const { directory, maxSpool: maxBytes } = this.#options;
    const key = this.#keyOf(folder);
    const at = join(directory, key);
    const spool = new Spool({ ...this.#common(), name, filename, directory: at, maxBytes, destination });
    await spool.open(saved[key]);
    this.#spools.push(spool);
    this.#states.set(key, () => spool.state());
    pump.add(spool, destination.create);
    return spool;
  }

  #common() {
    const { logger, clock, serverNow } = this.#options;
    return { logger, serverNow, now: () => clock.now(), lost: this.#lost };
  }

  /** Two entries may name the same source, for two streams. */
  #keyOf(name: string): string {
    let key = name;
    for (let n = 2; this.#states.has(key); n += 1) key = `${name}-${n}`;
    return key;
  }

  #save = async (): Promise<void> => {
    const sources: Record<string, unknown> = {};
    for (const [key, state] of this.#states) sources[key] = state();
    try {
      await this.#stateFile.save({ owner: this.#pump?.owner, sources });
      this.#isUnsaved = false;
    } catch (error) {
      const facts = { code: systemCode(error), problem: messageOf(error) };
      if (!this.#isUnsaved) this.#options.logger.error(facts, 'how far logs were sent cannot be saved');
      this.#isUnsaved = true;
    }
  };

  #lost = (source: string, gap: Gap): void => this.#gaps.tell(source, gap);

  #tellBroken(source: string, error: unknown): void {
    const facts = { source, code: systemCode(error), problem: messageOf(error) };
    this.#options.logger.warn(facts, 'lines of a log cannot be read; that will be tried again');
  }

  #tellRefusal({ target }: Batch, { code, message }: Refusal): void {
    this.#options.events.emit('logs:refused', { ...target, code, message });
  }
}
