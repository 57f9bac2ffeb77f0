import {
  emptyShadow,
  parseShadowTopic,
  parseToken,
  parseUpdate,
  planUpdate,
  ShadowError,
  type ShadowRecord,
  type ShadowUpdate,
  shadowTopic,
  shadowUnknown,
  shownShadow,
} from '@ioto/protocol';

/** The cloud's side of a device's shadows, with the rules of the real one and no wire. */
export class ShadowCloud {
  readonly shadows = new Map<string | undefined, ShadowRecord>();
  /** What the device has asked for. */
  readonly requests: { verb: string; name: string | undefined; body: Record<string, unknown> }[] = [];
  /** Refuses the next requests, each with one of these. */
  readonly refusals: ShadowError[] = [];
  /** False for one that takes requests and says nothing. */
  answers = true;
  readonly #deliver: (topic: string, payload: Buffer) => void;

  constructor(deliver: (topic: string, payload: Buffer) => void) {
    this.#deliver = deliver;
  }

  readonly publish = async (topic: string, payload: string): Promise<void> => {
    const about = parseShadowTopic(topic);
    if (!about || about.news) throw new Error(`the device has published to ${topic}`);
    const { thing, name, verb } = about;
    this.requests.push({ verb, name, body: JSON.parse(payload) });
    if (!this.answers) return;
    const say = (news: 'accepted' | 'rejected', body: object) =>
      this.#deliver(shadowTopic.news(thing, name, verb, news), Buffer.from(JSON.stringify(body)));
    // After the acknowledgement, as it comes over the wire.
    await Promise.resolve();
    try {
      const refusal = this.refusals.shift();
      if (refusal) throw refusal;
      if (verb === 'update') this.update(thing, parseUpdate(Buffer.from(payload)), name);
      else say('accepted', this.#shown(thing, name, parseToken(Buffer.from(payload))));
    } catch (error) {
      if (!(error instanceof ShadowError)) throw error;
      const { clientToken } = JSON.parse(payload);
      say('rejected', { code: error.shadowCode, message: error.message, clientToken });
    }
  };

  /** An update by whoever, told to the device. */
  update(thing: string, update: ShadowUpdate, name?: string): void {
    const plan = planUpdate(this.shadows.get(name) ?? emptyShadow(), update, 1);
    this.shadows.set(name, plan.after);
    const tell = (news: 'accepted' | 'delta', body: object) =>
      this.#deliver(shadowTopic.news(thing, name, 'update', news), Buffer.from(JSON.stringify(body)));
    tell('accepted', plan.accepted);
    if (plan.delta) tell('delta', plan.delta);
  }

  #shown(thing: string, name: string | undefined, token: string | undefined): object {
    const shadow = this.shadows.get(name);
    if (!shadow) throw shadowUnknown(thing, name, token);
    return shownShadow(shadow, 1, token);
  }
}
