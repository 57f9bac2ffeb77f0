import {
  Backoff,
  type CodedError,
  type Component,
  makePrivateDirectory,
  messageOf,
  systemCode,
} from '@ioto/runtime';
import { Pause } from '../../link/pause.ts';
import type { LocalImage, UpdateState, Updates } from '../../service-apis.ts';
import { decideAndTell } from './decide-and-tell.ts';
import { download, imageHash, noRoom, removeImages, removePart } from './download.ts';
import { type Failed, failureOf, updateError } from './errors.ts';
import { JournalFile, type UpdateJournal } from './journal.ts';
import { checkOffer } from './offer.ts';
import type { UpdateServiceOptions } from './options.ts';
import {
  afterFailure,
  afterOffer,
  afterStart,
  at,
  type EarlierScript,
  ended,
  isSame,
  moved,
  nextStep,
  without,
} from './plan.ts';
import { progressTeller } from './progress.ts';
import { recoveryOf } from './recovery.ts';
import type { ScriptEnd } from './script.ts';
import { takeLocal } from './take-local.ts';
import { Timetable } from './timetable.ts';

/** Milliseconds until what should not have happened, or what the disk refuses, is tried again. */
const TROUBLE = { first: 60_000, limit: 3_600_000, jitter: 0.2 };
const NEVER = Number.POSITIVE_INFINITY;

/** Service `update`: asks for other software, fetches, verifies and applies it, and tells how that went. */
export class UpdateService implements Component, Updates {
  readonly name = 'update';
  readonly #options: UpdateServiceOptions;
  readonly #journal: JournalFile;
  readonly #pause: Pause;
  readonly #stopping = new AbortController();
  readonly #timetable: Timetable;
  readonly #listening: (() => void)[] = [];
  #running: Promise<void> | undefined;
  /** Settled once it is known what was under way at the start. */
  readonly #resumed: Promise<void>;
  #tellResumed: () => void = () => undefined;
  #lastAsk: Promise<unknown> = Promise.resolve();
  /** Ends the download that runs. */
  #fetching: AbortController | undefined;
  /** The next check-in is for another URL. */
  #renewing = false;
  constructor(options: UpdateServiceOptions) {
    this.#options = options;
    this.#journal = new JournalFile(options);
    this.#pause = new Pause(options.clock);
    this.#timetable = new Timetable(options);
    this.#resumed = new Promise((resolve) => {
      this.#tellResumed = resolve;
    });
  }

  async start(): Promise<void> {
    const { directory, logger, events, time } = this.#options;
    makePrivateDirectory(directory);
    if (!(await this.#journal.open())) {
      logger.warn({}, 'the journal of updates cannot be read: what was under way is asked for anew');
    }
    this.#timetable.begin(time.now());
    this.#listening.push(
      events.on('device:claimed', () => {
        this.#timetable.open();
        this.#plan();
      }),
      events.on('device:released', () => void this.#forget().catch(this.#warn)),
    );
    this.#running = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent stops'));
    for (const off of this.#listening.splice(0)) off();
    await this.#running;
    await this.#lastAsk;
  }

  async check(): Promise<UpdateState> {
    const state = await this.#ask(true);
    this.#plan();
    return state;
  }

  async install(image: LocalImage): Promise<void> {
    await this.#resumed;
    await takeLocal(image, { ...this.#options, journal: this.#journal });
    this.#fetching?.abort();
    this.#timetable.beginAnew();
    this.#plan();
  }

  async found(version: string): Promise<UpdateState | undefined> {
    await this.#resumed;
    const { current, settled } = this.#journal.now;
    if (current?.offer.version === version) return { is: 'under-way', version };
    return settled?.version === version && settled.end ? { is: 'ended', ...settled.end } : undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const troubles = new Backoff({ ...TROUBLE, random: this.#options.random });
    let isResumed = false;
    while (!signal.aborted) {
      try {
        if (!isResumed) {
          await this.#resume(signal);
          isResumed = true;
          this.#tellResumed();
          this.#plan();
        }
        await this.#next(signal);
        troubles.reset();
      } catch (error) {
        if (signal.aborted) break;
        const retryIn = troubles.next();
        this.#options.logger.error({ error: messageOf(error), retryIn }, 'updates do not go on for now');
        await this.#pause.wait(retryIn, signal).catch(() => undefined);
      }
    }
    this.#tellResumed();
  }

  async #next(signal: AbortSignal): Promise<void> {
    const { time } = this.#options;
    const isWritten = await this.#journal.catchUp();
    const now = time.now();
    const step = nextStep(this.#journal.now, this.#timetable.times(this.#journal.now, now));
    if (step.do === 'check') return this.#checkIn(signal);
    if (step.do !== 'wait') return this.#work(step.do, signal);
    await this.#pause.wait(Math.min(step.until - now, isWritten ? NEVER : TROUBLE.first), signal);
  }

  /** Finds out what has become of the update that was under way when the device last ran. */
  async #resume(signal: AbortSignal): Promise<void> {
    const { script, version, settings, directory } = this.#options;
    let earlier: EarlierScript = 'unknown';
    if (this.#journal.now.current?.stage === 'applying') {
      const isBeforeOurEyes = await script.outlast(settings.timeout, signal);
      const end = await script.end();
      if (isBeforeOurEyes && end) return this.#scriptEnded(end);
      if (end) earlier = end.ok ? (end.directive ? 'done' : 'applied') : 'failed';
    }
    const { after } = await this.#decide((journal) => afterStart(journal, version, earlier));
    await script.clear();
    if (!after.current) await removeImages(directory);
  }

  async #checkIn(signal: AbortSignal): Promise<void> {
    const { checkIn, time, logger } = this.#options;
    if (!checkIn.isPossible) {
      // The event of the claim plans the next one.
      this.#timetable.close();
      return;
    }
    try {
      await this.#ask(false);
      this.#plan();
    } catch (error) {
      signal.throwIfAborted();
      const retryIn = this.#timetable.unanswered(error, time.now());
      const { code } = failureOf(error);
      logger.warn({ code, error: messageOf(error), retryIn }, 'the device could not ask for updates');
    }
  }

  /** One after the other, whoever asks. */
  #ask(demanded: boolean): Promise<UpdateState> {
    const turn = this.#lastAsk.then(() => this.#askOnce(demanded));
    this.#lastAsk = turn.catch(() => undefined);
    return turn;
  }

  async #askOnce(demanded: boolean): Promise<UpdateState> {
    const { checkIn, version, time, logger, directory } = this.#options;
    const { current: before, report } = this.#journal.now;
    const isForNews = demanded || !(report || this.#renewing);
    const offer = await checkIn.ask(report, this.#stopping.signal);
    this.#timetable.asked();
    const { after, end } = await this.#decide((journal) => {
      // A further one that was written down meanwhile is still to be told.
      const told = JSON.stringify(journal.report) === JSON.stringify(report);
      const heard = { ...journal, checked: time.now(), ...(told ? { report: undefined } : {}) };
      return this.#unlessRefused(journal, afterOffer(heard, offer, { running: version, demanded }));
    });
    const { current } = after;
    const isOther = current !== undefined && !(before && isSame(before.offer, current.offer));
    if (this.#renewing) this.#timetable.renewed(time.now());
    else if (isOther) this.#timetable.fetchNow(time.now());
    if (isOther || isForNews) this.#timetable.beginAnew();
    this.#renewing = false;
    if (!current || isOther) {
      if (this.#fetching) this.#fetching.abort();
      else await removeImages(directory);
    }
    if (end) return { is: 'ended', ...end };
    if (!current) return { is: 'none' };
    if (isOther) logger.info({ version: current.offer.version }, 'there is other software for this device');
    return { is: 'under-way', version: current.offer.version };
  }

  /** An offer that the device will never take is over as soon as it is begun. */
  #unlessRefused(before: UpdateJournal, after: UpdateJournal): UpdateJournal {
    const { trust, version } = this.#options;
    const { current } = after;
    if (!current || (before.current && isSame(before.current.offer, current.offer))) return after;
    try {
      checkOffer(current.offer, trust, version, after.highest);
    } catch (error) {
      if (recoveryOf(error, 0) === 'give-up')
        return afterFailure(after, failureOf(error), { again: 'never' });
    }
    return after;
  }

  async #work(step: 'download' | 'apply', signal: AbortSignal): Promise<void> {
    try {
      await (step === 'download' ? this.#download(signal) : this.#apply(signal));
    } catch (error) {
      signal.throwIfAborted();
      await this.#recover(error);
    }
  }

  async #download(signal: AbortSignal): Promise<void> {
    const { directory, fetch, clock, settings, events, patience, trust, version } = this.#options;
    const { current, highest } = this.#journal.now;
    if (!current) return;
    const { offer } = current;
    checkOffer(offer, trust, version, highest);
    const dropping = new AbortController();
    this.#fetching = dropping;
    const tell = progressTeller(clock, (received, size) =>
      events.emit('update:progress', { version: offer.version, received, size }),
    );
    const progress = (received: number, size: number) => {
      this.#timetable.came(received);
      tell(received, size);
    };
    const { throttle: rate, maxSize } = settings;
    try {
      await download(
        offer,
        { directory, fetch, clock, rate, maxSize, patience },
        { progress, signal: AbortSignal.any([signal, dropping.signal]) },
      );
    } catch (error) {
      if (!dropping.signal.aborted) throw error;
      // One that was brought meanwhile lies in its place already.
      await removePart(directory);
      return;
    } finally {
      this.#fetching = undefined;
    }
    await this.#journal.change((journal) => moved(journal, offer, { from: 'downloading', to: 'ready' }));
  }

  async #apply(signal: AbortSignal): Promise<void> {
    const { directory, applying, trust, version, script } = this.#options;
    const { current, highest } = this.#journal.now;
    if (!current) return;
    const { offer, tries } = current;
    // It may have lain there for days, and the journal beside it.
    checkOffer(offer, trust, version, highest);
    if ((await imageHash(directory)) !== offer.checksum.toLowerCase()) {
      throw updateError(
        'UPDATE_CHECKSUM',
        'the image on the disk is not what was fetched: it is fetched anew',
      );
    }
    // After a power cut the files of a script are taken for those of this one.
    await script.clear();
    const intent = { from: 'ready', to: 'applying', tries: tries + 1 } as const;
    const written = await this.#journal
      .intend((journal) => moved(journal, offer, intent))
      .catch((error) => {
        throw systemCode(error) === 'ENOSPC' ? noRoom(error) : error;
      });
    if (written.current?.stage !== 'applying') return;
    const end = await applying.run(offer.version, signal);
    if ('ok' in end) return this.#scriptEnded(end);
    await this.#journal.change((journal) => moved(journal, offer, { from: 'applying', to: 'handed', tries }));
    void end.handed.then(async (end) => {
      if (!signal.aborted) await this.#scriptEnded(end).catch(this.#warn);
      this.#pause.wake();
    });
  }

  async #scriptEnded(end: ScriptEnd): Promise<void> {
    const { events, directory, logger } = this.#options;
    const { current } = this.#journal.now;
    if (!current) return;
    const { offer } = current;
    const { version } = offer;
    if (!end.ok)
      return this.#recover(
        updateError('UPDATE_SCRIPT', `${end.by ?? 'scripts.update'} failed: ${end.reason}`),
      );
    if (end.directive) {
      await this.#journal.change((journal) => moved(journal, offer, { from: 'applying', to: 'restarting' }));
      logger.info({ version, directive: end.directive }, 'the program ends, to come up with other software');
      events.emit('device:restart', { version, how: end.directive });
      return;
    }
    await this.#decide((journal) => ended(journal, { version, outcome: 'applied' }));
    await removeImages(directory);
    this.#plan();
  }

  /** Sees to what is tried again and when, or that the owner hears why nothing is. */
  async #recover(error: unknown): Promise<void> {
    const { time, logger, directory } = this.#options;
    const { code, message } = failureOf(error);
    const recovery = recoveryOf(error, this.#timetable.broken, this.#journal.now.current?.stage);
    const now = time.now();
    logger.warn({ code, error: message, recovery }, 'an update does not go on');
    switch (recovery) {
      case 'begin-anew':
        await removeImages(directory);
        return;
      case 'fetch-anew':
        await removeImages(directory);
        this.#timetable.fetchLater(now);
        return this.#fail({ code, message }, 'downloading');
      case 'apply-later':
        this.#timetable.applyLater(now);
        return this.#fail({ code, message }, 'ready');
      case 'wait':
        this.#timetable.applyLater(now);
        return;
      case 'give-up':
        return this.#fail({ code, message }, 'never');
      case 'go-on':
        this.#timetable.fetchLater(now, (error as Partial<CodedError>).retryAfter);
        return;
      case 'renew-url':
        this.#renewing = true;
        this.#timetable.renew(now);
        return;
      case 'leave':
        return this.#leave({ code, message });
    }
  }

  /** One try more has failed, perhaps the last. */
  async #fail(problem: Failed, again: 'downloading' | 'ready' | 'never'): Promise<void> {
    const { after } = await this.#decide((journal) => afterFailure(journal, problem, { again }));
    if (after.current) return;
    await removeImages(this.#options.directory);
    this.#plan();
  }

  /** Nothing more is tried before the next check-in but one: the next is there to tell of this. */
  async #leave(problem: Failed): Promise<void> {
    this.#timetable.leave();
    await this.#decide((journal) => {
      const { current } = journal;
      if (!current) return journal;
      const stage = current.stage === 'applying' ? 'ready' : current.stage;
      const report = { version: current.offer.version, outcome: 'failed', ...problem } as const;
      return { ...at(journal, { ...current, stage, tries: 0 }), report };
    });
    this.#plan();
  }

  #decide(decide: (journal: UpdateJournal) => UpdateJournal): ReturnType<typeof decideAndTell> {
    return decideAndTell(this.#journal, this.#options.events, decide);
  }

  /** The next owner has another cloud, or other plans. */
  async #forget(): Promise<void> {
    this.#timetable.close();
    const { current } = await this.#journal.change(({ report: _report, checked: _then, ...journal }) => {
      const stage = journal.current?.stage;
      return stage === 'downloading' || stage === 'ready' ? without(journal) : journal;
    });
    if (this.#fetching) this.#fetching.abort();
    else if (!current) await removeImages(this.#options.directory);
  }

  /** Sets the time of the next check-in, and has the loop look again. */
  #plan(): void {
    this.#timetable.plan(this.#journal.now, this.#options.time.now());
    this.#pause.wake();
  }

  readonly #warn = (error: unknown): void =>
    this.#options.logger.error({ error: messageOf(error) }, 'what is left of an update cannot be removed');
}
