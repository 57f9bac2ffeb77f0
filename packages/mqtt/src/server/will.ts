import type { Client } from './client.ts';
import { publishObjection } from './may-publish.ts';
import { messageOfPublish, receive } from './receive.ts';

/**
 * The client has gone without DISCONNECT: its will is published [MQTT-3.1.2-8], in MQTT 5 after its delay or when the
 * session ends, whichever comes first [MQTT5-3.1.2-8], and not when the client is back before [MQTT5-3.1.3-9]; nor when the
 * client has lost the right to it.
 */
export function leaveWill<P>(client: Client<P>): void {
  const { session, connection, connect } = client;
  const { will } = connect;
  if (!will) return;
  const publish = () => {
    // What it was allowed at CONNECT may be somebody else's by now.
    if (publishObjection(connection.broker.hooks, client.principal, will)) return;
    const { properties = {}, ...packet } = will;
    const { willDelayInterval: _, ...others } = properties;
    const { clock } = connection.broker;
    const message = messageOfPublish({ ...packet, properties: others }, client.session.clientId, clock);
    receive(client, message, false, () => undefined);
  };
  const delay = (will.properties?.willDelayInterval ?? 0) * 1000;
  if (delay === 0 || !session.persistent) {
    publish();
    return;
  }
  const cancel = connection.broker.clock.after(delay, () => settleWill(session, true), { unref: true });
  session.pendingWill = { cancel, publish };
}

/** Ends the delay of a session's will: it is published, or forgotten. */
export function settleWill(session: Client<unknown>['session'], publish: boolean): void {
  const { pendingWill } = session;
  if (!pendingWill) return;
  session.pendingWill = undefined;
  pendingWill.cancel();
  if (publish) pendingWill.publish();
}
