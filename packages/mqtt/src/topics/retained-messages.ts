import { detachFromChunk, isExpired, type Message, messageSize } from '../session/message.ts';

interface Node {
  children: Map<string, Node> | undefined;
  message: Message | undefined;
}

/** What retained messages may take, together and of each owner. */
export interface RetainedLimits {
  /** Retained messages of the whole server. Beyond it a PUBLISH is delivered but not retained. */
  maxRetainedMessages: number;
  /** Bytes of topic and payload of all retained messages. */
  maxRetainedBytes: number;
  /** Retained messages of one owner, where `hooks.retainedOwner` names one. */
  maxRetainedMessagesOfOwner: number;
  /** Bytes of topic and payload of the retained messages of one owner. */
  maxRetainedBytesOfOwner: number;
}

/** Topics and branches that a search looks at before it may be left for later. */
export const LOOKS_AT_ONCE = 64;

interface Share {
  messages: number;
  bytes: number;
}

/**
 * The last retained message of each topic (3.1.1, 3.3.1.3), within bounds for all topics together and for those of one
 * owner. By topic for filters without wildcards, by level for the others, which look only where their levels lead.
 */
export class RetainedMessages {
  readonly #byTopic = new Map<string, Message>();
  readonly #root: Node = { children: undefined, message: undefined };
  readonly #limits: RetainedLimits;
  readonly #ownerOf: (topic: string) => string | undefined;
  readonly #shares = new Map<string, Share>();
  #bytes = 0;

  constructor(limits: RetainedLimits, ownerOf: (topic: string) => string | undefined = () => undefined) {
    this.#limits = limits;
    this.#ownerOf = ownerOf;
  }

  get size(): number {
    return this.#byTopic.size;
  }

  /** Keeps the message, or forgets its topic when the payload is empty [MQTT-3.3.1-10]. Returns the limit that forbids it. */
  keep(message: Message): keyof RetainedLimits | undefined {
    const { topic, payload } = message;
    const before = this.#byTopic.get(topic);
    if (before) this.#count(before, -1);
    const refusal = payload.length === 0 ? undefined : this.#refusalOf(message, before !== undefined);
    if (payload.length === 0 || refusal) {
      // What was retained is replaced even by what cannot be kept [MQTT-3.3.1-7] [MQTT5-3.3.1-5].
      if (before) this.#remove(topic);
      return refusal;
    }
    const kept: Message = { ...message, retain: true };
    detachFromChunk(kept);
    this.#byTopic.set(topic, kept);
    this.#count(kept, 1);
    let node = this.#root;
    for (const level of topic.split('/')) node = childOf(node, level);
    node.message = kept;
    return undefined;
  }

  /** Leaves nothing behind: branches that hold no message go with it. */
  forget(topic: string): void {
    const message = this.#byTopic.get(topic);
    if (!message) return;
    this.#count(message, -1);
    this.#remove(topic);
  }

  #remove(topic: string): void {
    this.#byTopic.delete(topic);
    const path: { parent: Node; level: string; node: Node }[] = [];
    let node = this.#root;
    for (const level of topic.split('/')) {
      const child = childOf(node, level);
      path.push({ parent: node, level, node: child });
      node = child;
    }
    node.message = undefined;
    for (const { parent, level, node: child } of path.reverse()) {
      if (child.message || child.children?.size) return;
      parent.children?.delete(level);
    }
  }

  #refusalOf(message: Message, replaces: boolean): keyof RetainedLimits | undefined {
    const { maxRetainedMessages, maxRetainedBytes, maxRetainedMessagesOfOwner, maxRetainedBytesOfOwner } =
      this.#limits;
    const size = messageSize(message);
    const { messages, bytes } = this.#shareOf(message.topic) ?? { messages: 0, bytes: 0 };
    if (messages >= maxRetainedMessagesOfOwner) return 'maxRetainedMessagesOfOwner';
    if (bytes + size > maxRetainedBytesOfOwner) return 'maxRetainedBytesOfOwner';
    if (!replaces && this.#byTopic.size >= maxRetainedMessages) return 'maxRetainedMessages';
    return this.#bytes + size > maxRetainedBytes ? 'maxRetainedBytes' : undefined;
  }

  #shareOf(topic: string): Share | undefined {
    const owner = this.#ownerOf(topic);
    return owner === undefined ? undefined : this.#shares.get(owner);
  }

  #count(message: Message, by: 1 | -1): void {
    const bytes = by * messageSize(message);
    this.#bytes += bytes;
    const owner = this.#ownerOf(message.topic);
    if (owner === undefined) return;
    const share = this.#shares.get(owner) ?? { messages: 0, bytes: 0 };
    share.messages += by;
    share.bytes += bytes;
    if (share.messages > 0) this.#shares.set(owner, share);
    else this.#shares.delete(owner);
  }

  /**
   * Those that a new subscription gets [MQTT-3.3.1-6]; one without wildcards costs one look. May be read on while the
   * messages change: of a search among many topics it yields undefined after some that were looked at, so that it can be
   * gone on with later. One that has expired at `now` is forgotten [MQTT5-3.3.2-5].
   */
  *matching(filter: string, now: number): Generator<Message | undefined> {
    for (const message of this.#matching(filter)) {
      if (message && isExpired(message, now)) this.forget(message.topic);
      else yield message;
    }
  }

  *#matching(filter: string): Generator<Message | undefined> {
    if (filter.includes('+') || filter.includes('#')) yield* search(this.#root, filter.split('/'));
    else {
      const message = this.#byTopic.get(filter);
      if (message) yield message;
    }
  }

  all(): Iterable<Message> {
    return this.#byTopic.values();
  }
}

function childOf(node: Node, level: string): Node {
  node.children ??= new Map();
  let child = node.children.get(level);
  if (!child) {
    child = { children: undefined, message: undefined };
    node.children.set(level, child);
  }
  return child;
}

/** Nodes on one level of the search, and the level of the filter that comes after them. */
interface Place {
  nodes: Iterator<Node>;
  next: number;
}

/** Depth first, without recursion: each step costs the same however deep it is. Undefined at first, and between steps. */
function* search(root: Node, levels: string[]): Generator<Message | undefined> {
  const places: Place[] = [{ nodes: [root].values(), next: 0 }];
  let looked = 0;
  for (let place = places.at(-1); place; place = places.at(-1)) {
    const { value: node } = place.nodes.next() as IteratorResult<Node, undefined>;
    if (!node) {
      places.pop();
      continue;
    }
    if (looked % LOOKS_AT_ONCE === 0) yield undefined;
    looked += 1;
    const level = levels[place.next];
    // `a/#` matches `a` too (4.7.1.2).
    if (node.message && (level === undefined || level === '#')) yield node.message;
    if (level !== undefined)
      places.push({
        nodes: below(node, level, node === root),
        next: level === '#' ? place.next : place.next + 1,
      });
  }
}

/** Wildcards do not match a first level that begins with `$` [MQTT-4.7.2-1]. */
function below({ children }: Node, level: string, first: boolean): Iterator<Node> {
  if (!children) return [].values();
  if (level === '+' || level === '#') return first ? unreserved(children) : children.values();
  const child = children.get(level);
  return (child ? [child] : []).values();
}

function* unreserved(nodes: Map<string, Node>): Generator<Node> {
  for (const [level, node] of nodes) if (!level.startsWith('$')) yield node;
}
