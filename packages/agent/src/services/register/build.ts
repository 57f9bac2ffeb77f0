import type { Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { DeviceApi } from '../../cloud-api/device-api.ts';
import { needed, requireBuilder } from '../../config-loading/needed.ts';
import { openIdentityKey } from '../../identity/identity-key.ts';
import { buildLink } from '../../link/build.ts';
import { RegisterService } from './service.ts';

/** With the first service of the cloud come the device's identity and the walk to the cloud. */
export async function build(parts: AgentParts): Promise<Component> {
  const { settings, clock, events, provisionFile } = parts;
  const builder = requireBuilder(settings);
  const device = need(parts.serialize, 'serialize').device;
  if (device.product === undefined) throw needed('device.product', 'the product ID (--product)');
  const identity = await identify(parts);
  const { id, key, api } = identity;
  parts.register = new RegisterService({
    clock,
    events,
    api,
    builder,
    id,
    device,
    publicKeyPem: key.publicKeyPem,
    provisionFile,
  });
  parts.openLink = () => buildLink(parts, identity);
  return parts.register;
}

/** The device's own key and its way of calling builder and cloud, once it has an ID. */
async function identify(parts: AgentParts): Promise<NonNullable<AgentParts['identity']>> {
  const { directories, serverTime, settings, checkpoint } = parts;
  const { id } = need(parts.serialize, 'serialize').device;
  if (id === undefined)
    throw needed('device.id', "a claim ID: give one (--id), or set services.serialize to 'auto'");
  const key = await openIdentityKey(directories.certs);
  if (key.fresh) await checkpoint('identity-key-written');
  const fetch = need(parts.url, 'url').fetch;
  const api = new DeviceApi({ fetch, serverTime, key, timeout: settings.timeouts.api });
  parts.identity = { id, key, api };
  return parts.identity;
}
