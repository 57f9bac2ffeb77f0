import { type Grant, mergedGrant, type Subscription } from '../session/subscription.ts';

/** One subscriber of a topic, with what its subscriptions come to. */
export interface Target<S> {
  readonly subscriber: S;
  readonly grant: Grant;
  /** What is left for messages of its own, when a `noLocal` subscription is among them [MQTT5-3.8.3-3]. */
  readonly own: Grant | undefined;
}

export interface Matches<S> {
  readonly targets: readonly Target<S>[];
  /** Each gets the message to one of its members (5.0, 4.8.2). */
  readonly groups: readonly SharedGroup<S>[];
}

/** The subscribers of one filter under one share name. */
export class SharedGroup<S> {
  readonly #members = new Map<S, Subscription>();
  /** As a list, from the first message after a change on. */
  #list: [S, Subscription][] | undefined;
  #next = 0;

  get size(): number {
    return this.#members.size;
  }

  set(subscriber: S, subscription: Subscription): void {
    this.#members.set(subscriber, subscription);
    this.#list = undefined;
  }

  delete(subscriber: S): void {
    this.#members.delete(subscriber);
    this.#list = undefined;
  }

  /** The members, another one first each time. */
  *turn(): Generator<[S, Subscription]> {
    this.#list ??= [...this.#members];
    const members = this.#list;
    const start = this.#next++ % Math.max(1, members.length);
    for (let index = 0; index < members.length; index += 1) {
      const member = members[(start + index) % members.length];
      if (member) yield member;
    }
  }
}

interface Node<S> {
  children: Map<string, Node<S>>;
  subscribers: Map<S, Subscription>;
  groups: Map<string, SharedGroup<S>> | undefined;
}

interface Found<S> {
  subscriptions: Map<S, Subscription[]>;
  groups: SharedGroup<S>[];
}

/** Every subscription of the server by its filter's levels; finds the subscribers of a topic without looking at the others. */
export class SubscriptionTree<S> {
  readonly #root: Node<S> = newNode();
  #version = 0;

  /** Changes with every change: what was found before is no longer sure. */
  get version(): number {
    return this.#version;
  }

  /** A second subscription of the same filter replaces the first [MQTT-3.8.4-3]. */
  add(subscriber: S, subscription: Subscription): void {
    this.#version += 1;
    let node = this.#root;
    for (const level of subscription.topicFilter.split('/')) {
      let child = node.children.get(level);
      if (!child) {
        child = newNode();
        node.children.set(level, child);
      }
      node = child;
    }
    membersAt(node, subscription.share).set(subscriber, subscription);
  }

  /** Leaves nothing behind: branches that hold no subscription go with it. */
  remove(subscriber: S, { topicFilter, share }: Pick<Subscription, 'topicFilter' | 'share'>): void {
    this.#version += 1;
    const path: { parent: Node<S>; level: string; node: Node<S> }[] = [];
    let node = this.#root;
    for (const level of topicFilter.split('/')) {
      const child = node.children.get(level);
      if (!child) return;
      path.push({ parent: node, level, node: child });
      node = child;
    }
    const members = membersAt(node, share);
    members.delete(subscriber);
    if (share !== undefined && members.size === 0) node.groups?.delete(share);
    for (const { parent, level, node: child } of path.reverse()) {
      if (child.subscribers.size + child.children.size + (child.groups?.size ?? 0) > 0) return;
      parent.children.delete(level);
    }
  }

  /** The members of a shared subscription, while it has any. */
  groupOf({ topicFilter, share }: Pick<Subscription, 'topicFilter' | 'share'>): SharedGroup<S> | undefined {
    let node: Node<S> | undefined = this.#root;
    for (const level of topicFilter.split('/')) node = node?.children.get(level);
    return share === undefined ? undefined : node?.groups?.get(share);
  }

  get isEmpty(): boolean {
    return this.#root.children.size === 0;
  }

  /** False when no subscription can match this topic or one below it. */
  reaches(topic: string): boolean {
    return reaches(this.#root, topic.split('/'), 0, topic.startsWith('$'));
  }

  /**
   * The subscribers of a topic, each once with what its matching subscriptions come to. Wildcards do not match a first
   * level that begins with `$` [MQTT-4.7.2-1].
   */
  match(topic: string): Matches<S> {
    const found: Found<S> = { subscriptions: new Map(), groups: [] };
    visit(this.#root, topic.split('/'), 0, topic.startsWith('$'), found);
    const targets: Target<S>[] = [];
    for (const [subscriber, subscriptions] of found.subscriptions) {
      const grant = mergedGrant(subscriptions);
      if (!grant) continue;
      const own = subscriptions.some(({ noLocal }) => noLocal)
        ? mergedGrant(subscriptions.filter(({ noLocal }) => !noLocal))
        : grant;
      targets.push({ subscriber, grant, own });
    }
    return { targets, groups: found.groups };
  }
}

function newNode<S>(): Node<S> {
  return { children: new Map(), subscribers: new Map(), groups: undefined };
}

function membersAt<S>(node: Node<S>, share: string | undefined): Map<S, Subscription> | SharedGroup<S> {
  if (share === undefined) return node.subscribers;
  node.groups ??= new Map();
  let group = node.groups.get(share);
  if (!group) {
    group = new SharedGroup();
    node.groups.set(share, group);
  }
  return group;
}

function visit<S>(node: Node<S>, levels: string[], depth: number, reserved: boolean, found: Found<S>): void {
  const wild = !(reserved && depth === 0);
  // `a/#` matches `a` too (4.7.1.2).
  if (wild) collect(node.children.get('#'), found);
  const level = levels[depth];
  if (level === undefined) {
    collect(node, found);
    return;
  }
  const exact = node.children.get(level);
  if (exact) visit(exact, levels, depth + 1, reserved, found);
  const plus = wild ? node.children.get('+') : undefined;
  if (plus) visit(plus, levels, depth + 1, reserved, found);
}

function reaches<S>(node: Node<S>, levels: string[], depth: number, reserved: boolean): boolean {
  const wild = !(reserved && depth === 0);
  if (wild && node.children.has('#')) return true;
  const level = levels[depth];
  if (level === undefined) return node.children.size > 0 || node.subscribers.size > 0 || !!node.groups?.size;
  const exact = node.children.get(level);
  if (exact && reaches(exact, levels, depth + 1, reserved)) return true;
  const plus = wild ? node.children.get('+') : undefined;
  return plus !== undefined && reaches(plus, levels, depth + 1, reserved);
}

function collect<S>(node: Node<S> | undefined, found: Found<S>): void {
  if (!node) return;
  for (const [subscriber, subscription] of node.subscribers) {
    const before = found.subscriptions.get(subscriber);
    if (before) before.push(subscription);
    else found.subscriptions.set(subscriber, [subscription]);
  }
  if (node.groups) found.groups.push(...node.groups.values());
}
