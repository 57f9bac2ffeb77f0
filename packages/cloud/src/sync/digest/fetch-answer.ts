import { isCompared, type Schema } from '@ioto/database';
import { SyncFetch, type SyncFetchAnswer } from '@ioto/protocol';
import { Check } from 'typebox/value';
import { DeliveryWindow } from '../down/delivery-window.ts';
import type { ItemSender } from '../down/item-sender.ts';
import type { Peers } from '../hello/peers.ts';
import type { SyncIdentity } from '../items/wire-item.ts';
import type { RequestHandler } from '../service-messages.ts';
import type { CompareTurns } from './compare-turns.ts';
import type { DeviceTable } from './device-table.ts';

export interface FetchAnswersOptions {
  schema: Schema;
  table: Pick<DeviceTable, 'find'>;
  sender: Pick<ItemSender, 'send'>;
  peers: Pick<Peers, 'of'>;
  turns: CompareTurns;
}

/** Answers `sync/fetch`: sends what a device asks for by its keys, and answers when the device has acknowledged it all. */
export class FetchAnswers {
  readonly #options: FetchAnswersOptions;

  constructor(options: FetchAnswersOptions) {
    this.#options = options;
  }

  /** Nothing, too, where the device has not taken every item: it asks again. */
  readonly answer: RequestHandler = async (identity, body) => {
    const { schema, peers, turns } = this.#options;
    const { deviceId } = identity;
    const peer = peers.of(deviceId);
    if (!peer?.can.has('digest') || !Check(SyncFetch, body)) return undefined;
    const model = schema.models.get(body.model);
    if (!model || !isCompared(model)) return say({ refused: 'it is not compared' });
    // On its next connection the device may belong to another.
    const isThere = () => peers.of(deviceId) === peer;
    const answer = await turns.take(deviceId, () => this.#send(identity, body, isThere), { isSlow: true });
    return answer && say(answer);
  };

  async #send(
    identity: SyncIdentity,
    { model, keys }: SyncFetch,
    isThere: () => boolean,
  ): Promise<SyncFetchAnswer | undefined> {
    const { schema, table, sender } = this.#options;
    const window = new DeliveryWindow();
    let sent = 0;
    for await (const { verb, item } of table.find(schema.model(model), identity, new Set(keys))) {
      if (!(await window.room()) || !isThere()) return undefined;
      window.add(sender.send(identity.deviceId, verb, item));
      sent += 1;
    }
    return (await window.settled()) ? { sent } : undefined;
  }
}

const say = (answer: SyncFetchAnswer): string => JSON.stringify(answer);
