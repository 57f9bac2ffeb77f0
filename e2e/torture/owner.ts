import { type ApiAnswer, callApi, type TcpProxy } from '@ioto/testkit';
import type { World } from '../world.ts';
import { fieldNames, type Ledger } from './ledger.ts';
import type { Random } from './random.ts';

/** Milliseconds after which an owner gives up on an answer. */
const PATIENCE = 3000;
/** What an owner may be told who is not the only one to change things. */
const EXPECTED = new Set([200, 201, 404, 409, 503]);

/** The owner of the devices, who changes things over REST through a proxy. */
export class TorturedOwner {
  readonly proxy: TcpProxy;
  /** Answers that nobody should get. */
  readonly refused: string[] = [];
  /** Commands that were accepted, and the device of each. */
  readonly commands = new Map<string, string>();
  readonly #world: World;
  readonly #ledger: Ledger;

  constructor(world: World, proxy: TcpProxy, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
    this.proxy = proxy;
  }

  /** Makes the item, or changes it. */
  async write(model: string, name: string, fields: Record<string, string>): Promise<void> {
    const body = { _type: model, name, ...fields };
    const { status } = (await this.#promise(model, name, fields, 'update', body)) ?? {};
    if (status === 404) await this.#promise(model, name, fields, 'create', body);
  }

  async remove(model: string, name: string): Promise<void> {
    const item = `${model}/${name}`;
    const before = await this.#call('get', { _type: model, name });
    if (before?.status !== 200) return;
    const attempt = this.#ledger.removes(item);
    // It is dated by the clock of this machine, but later than what it removes.
    const laterOf = (time: string) => [time, String(before.json.updated)].sort().at(-1) as string;
    const updated = laterOf(new Date(Date.now() - 1).toISOString());
    const answer = await this.#call('remove', { _type: model, name });
    if (answer?.status !== 200) return;
    const latest = laterOf(new Date().toISOString());
    this.#ledger.promised({ item, attempt, updated, latest, isBefore: true });
  }

  async command(deviceId: string): Promise<void> {
    const body = { _type: 'Command', deviceId, command: 'count' };
    const answer = await this.#call('create', body);
    if (answer?.status === 201) this.commands.set(String(answer.json.id), deviceId);
  }

  async act(random: Random, name: string, deviceIds: readonly string[], tag: string): Promise<void> {
    if (random.chance(25)) return this.command(random.of(deviceIds));
    const model = random.of(['Order', 'Setting', 'Panel']);
    if (random.chance(model === 'Panel' ? 5 : 20)) return this.remove(model, name);
    return this.write(model, name, { [random.of(fieldNames(model))]: tag });
  }

  async #promise(
    model: string,
    name: string,
    fields: Record<string, string>,
    verb: string,
    body: object,
  ): Promise<ApiAnswer | undefined> {
    const answer = await this.#call(verb, body);
    if (answer && answer.status < 300) {
      this.#ledger.promised({ item: `${model}/${name}`, updated: String(answer.json.updated), fields });
    }
    return answer;
  }

  /** Undefined when no answer came. */
  async #call(verb: string, body: object): Promise<ApiAnswer | undefined> {
    const { cloud, owner } = this.#world;
    const call = {
      url: `https://localhost:${this.proxy.port}/api/generic/${verb}`,
      authority: cloud.authority,
      bearer: owner.token,
      signal: AbortSignal.timeout(PATIENCE),
      body,
    };
    const answer = await callApi(call).catch(() => undefined);
    if (answer && !EXPECTED.has(answer.status)) {
      this.refused.push(`${verb} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
    }
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
  }
}
