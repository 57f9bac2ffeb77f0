import type { Qos } from '../codec/packets.ts';

interface Node<S> {
  children: Map<string, Node<S>>;
  /** Granted QoS by subscriber, for the filter that ends here. */
  subscribers: Map<S, Qos>;
}

/** Every subscription of the server by its filter's levels; finds the subscribers of a topic without looking at the others. */
export class SubscriptionTree<S> {
  readonly #root: Node<S> = newNode();

  /** A second subscription of the same filter replaces the first [MQTT-3.8.4-3]. */
  add(filter: string, subscriber: S, qos: Qos): void {
    let node = this.#root;
    for (const level of filter.split('/')) {
      let child = node.children.get(level);
      if (!child) {
        child = newNode();
        node.children.set(level, child);
      }
      node = child;
    }
    node.subscribers.set(subscriber, qos);
  }

  /** Leaves nothing behind: branches that hold no subscription go with it. */
  remove(filter: string, subscriber: S): void {
    const path: { parent: Node<S>; level: string; node: Node<S> }[] = [];
    let node = this.#root;
    for (const level of filter.split('/')) {
      const child = node.children.get(level);
      if (!child) return;
      path.push({ parent: node, level, node: child });
      node = child;
    }
    node.subscribers.delete(subscriber);
    for (const { parent, level, node: child } of path.reverse()) {
      if (child.subscribers.size > 0 || child.children.size > 0) return;
      parent.children.delete(level);
    }
  }

  get isEmpty(): boolean {
    return this.#root.children.size === 0;
  }

  /**
   * The subscribers of a topic, each once with the highest QoS of its matching filters [MQTT-3.3.5-1]. Wildcards do not
   * match a first level that begins with `$` [MQTT-4.7.2-1].
   */
  match(topic: string): Map<S, Qos> {
    const found = new Map<S, Qos>();
    visit(this.#root, topic.split('/'), 0, topic.startsWith('$'), found);
    return found;
  }
}

function newNode<S>(): Node<S> {
  return { children: new Map(), subscribers: new Map() };
}

function visit<S>(
  node: Node<S>,
  levels: string[],
  depth: number,
  reserved: boolean,
  found: Map<S, Qos>,
): void {
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

function collect<S>(node: Node<S> | undefined, found: Map<S, Qos>): void {
  if (!node) return;
  for (const [subscriber, qos] of node.subscribers) {
    const before = found.get(subscriber);
    if (before === undefined || before < qos) found.set(subscriber, qos);
  }
}
