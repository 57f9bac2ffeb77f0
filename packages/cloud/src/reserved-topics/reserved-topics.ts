import { topicOfBasicIngest } from '@ioto/protocol';
import type { Logger } from '@ioto/runtime';
import type { DeviceMessage, DevicePrincipal, EndpointPrincipal } from '../ports/device-endpoint.ts';

/** A message about a thing, on `$aws/things/{thing}/{service}/…`. */
export interface ThingMessage {
  from: EndpointPrincipal;
  /** The device that it is about: the sender itself, or one that a tool's account holds. */
  thing: string;
  /** The levels of the topic behind the service's name. */
  path: readonly string[];
  /** A view of what the network read: copy what is kept beyond the next wait. */
  payload: Buffer;
}

/** A message of a device in its own name, on `$aws/certificates/…` or `$aws/provisioning-templates/…`. */
export interface OwnMessage {
  from: DevicePrincipal;
  path: readonly string[];
  payload: Buffer;
}

/** What the services of AWS IoT do with messages. Each resolves when what its acknowledgement promises is durable. */
export interface ReservedHandlers {
  shadow?: (message: ThingMessage) => Promise<void>;
  jobs?: (message: ThingMessage) => Promise<void>;
  certificates?: (message: OwnMessage) => Promise<void>;
  'provisioning-templates'?: (message: OwnMessage) => Promise<void>;
}

/**
 * Hands messages on AWS IoT's reserved topics to the service that they are for. The endpoint has asked already whether
 * the sender may publish there; nobody else ever receives such a message.
 */
export class ReservedTopics {
  readonly #handlers: ReservedHandlers;
  readonly #logger: Logger;

  constructor(handlers: ReservedHandlers, logger: Logger) {
    this.#handlers = handlers;
    this.#logger = logger;
  }

  /** True for a topic that is AWS IoT's own, and no longer name for another. */
  isReserved(topic: string): boolean {
    return topic.startsWith('$aws/') && topicOfBasicIngest(topic) === undefined;
  }

  async receive(from: EndpointPrincipal, { topic, payload }: DeviceMessage): Promise<void> {
    const [, root, second = '', third = '', ...rest] = topic.split('/');
    if (root === 'things') {
      const handler = third === 'shadow' || third === 'jobs' ? this.#handlers[third] : undefined;
      if (handler) return handler({ from, thing: second, path: rest, payload });
    } else if ((root === 'certificates' || root === 'provisioning-templates') && from.kind === 'device') {
      const handler = this.#handlers[root];
      if (handler) return handler({ from, path: topic.split('/').slice(2), payload });
    }
    this.#logger.debug({ accountId: from.accountId, topic: topic.slice(0, 256) }, 'message to no service');
  }
}
