import { readFile } from 'node:fs/promises';
import type { Component } from '@ioto/runtime';
import { CodedError, isCodedError, systemCode } from '@ioto/runtime';
import { type AgentParts, need } from './agent-parts.ts';
import { DeviceApi } from './cloud-api/device-api.ts';
import type { AgentSettings } from './config.ts';
import { expandPath } from './config-loading/directories.ts';
import { renderFigures } from './figures/agent-figures.ts';
import { openIdentityKey } from './identity/identity-key.ts';
import { Link } from './link/link.ts';
import { MetricSender } from './measuring/metric-sender.ts';
import type { ServiceName } from './service-table.ts';
import { DatabaseService } from './services/database/service.ts';
import { Requests } from './services/mqtt/requests.ts';
import { isReleaseFresh, makeRouter, parseThrottle } from './services/mqtt/router.ts';
import { type Credentials, MqttService } from './services/mqtt/service.ts';
import { ProvisionService } from './services/provision/service.ts';
import { RegisterService } from './services/register/service.ts';
import { SerializeService } from './services/serialize/service.ts';
import { Commands } from './services/sync/commands.ts';
import { DigestCheck } from './services/sync/digest-check.ts';
import { Hello } from './services/sync/hello.ts';
import { SyncService } from './services/sync/service.ts';
import { UrlService } from './services/url/service.ts';
import { WebService } from './services/web/service.ts';

/** How each service of the table is made from what was made before it. */
export const BUILDERS: Record<ServiceName, (parts: AgentParts) => Component | Promise<Component>> = {
  url: buildUrl,
  serialize: buildSerialize,
  database: buildDatabase,
  web: buildWeb,
  register: buildRegister,
  provision: buildProvision,
  mqtt: buildMqtt,
  sync: buildSync,
};

async function buildUrl(parts: AgentParts): Promise<Component> {
  const { clock, settings, directories } = parts;
  const { authority } = settings.tls;
  parts.url = new UrlService({
    clock,
    authority: authority && (await readPem(expandPath(authority, directories), 'tls.authority')),
    timeout: settings.timeouts.api,
    limit: settings.limits.answer,
  });
  return parts.url;
}

function buildSerialize(parts: AgentParts): Component {
  const { plan, settings, directories, events, checkpoint, options } = parts;
  parts.serialize = new SerializeService({
    mode: plan.serialize,
    settings,
    directories,
    events,
    fetch: (url, request) => need(parts.url, 'url').fetch(url, request),
    asked: options.id !== undefined,
    checkpoint,
  });
  return parts.serialize;
}

function buildDatabase(parts: AgentParts): Component {
  const { plan, settings, directories, clock, logger, events } = parts;
  parts.database = new DatabaseService({
    // Where nothing goes up, nothing may stop because of what waits: it may go up with a later configuration.
    settings: { ...settings.database, ...(!plan.on.has('sync') && { maxQueue: Number.POSITIVE_INFINITY }) },
    maxItemSize: settings.limits.item,
    directories,
    clock,
    logger,
    events,
  });
  return parts.database;
}

function buildWeb(parts: AgentParts): Component {
  const { settings, directories, logger, events, board } = parts;
  return new WebService({
    web: settings.web,
    site: directories.site,
    maxConnections: settings.limits.webConnections,
    cache: settings.limits.webCache,
    logger,
    events,
    status: () => board.now,
    figures: () =>
      renderFigures({
        database: parts.database?.database.stats,
        residentMemory: process.memoryUsage.rss(),
        uptime: process.uptime(),
      }),
  });
}

async function buildRegister(parts: AgentParts): Promise<Component> {
  const { settings, clock, events, provisionFile } = parts;
  const builder = requireBuilder(settings);
  const device = need(parts.serialize, 'serialize').device;
  if (device.product === undefined) throw needed('device.product', 'the product ID (--product)');
  const { id, key, api } = await identify(parts);
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
  return parts.register;
}

/** @throws CONFIG_INVALID when nobody said where the builder is. */
export function requireBuilder({ api }: AgentSettings): string {
  if (api.builder !== undefined) return api.builder;
  throw needed('api.builder', "the builder's API, such as https://HOST/api (--builder)");
}

function needed(setting: string, what: string): CodedError {
  return new CodedError('CONFIG_INVALID', `${setting}: the service register needs ${what}`);
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

function buildProvision(parts: AgentParts): Component {
  const { events, provisionFile } = parts;
  const { id, key, api } = need(parts.identity, 'register');
  parts.provision = new ProvisionService({ events, api, id, privateKey: key.privateKey, provisionFile });
  return parts.provision;
}

function buildMqtt(parts: AgentParts): Component {
  const { clock, logger, events, settings, provisionFile, serverTime } = parts;
  const { id } = need(parts.identity, 'register');
  const requests = new Requests({ clock, id, timeout: settings.timeouts.api });
  parts.ask = requests.ask;
  parts.mqtt = new MqttService({
    clock,
    logger,
    events,
    settings: settings.mqtt,
    maxMessage: settings.limits.message,
    receive: makeRouter({
      logger,
      id,
      accountId: () => provisionFile.record.accountId ?? '',
      sync: async (verb, payload) => parts.sync?.receive(verb, payload),
      release: async (payload) => {
        if (isReleaseFresh(payload, serverTime.now())) await parts.link?.release('message');
        else logger.info({}, 'ignored a release that is older than ten seconds');
      },
      throttle: (payload) => throttle(parts, payload),
      answered: (request, n, payload) => requests.answered(request, n, payload),
    }),
  });
  parts.mqtt.addUser(requests);
  parts.metricSender = new MetricSender({ clock, id, isOurs: () => provisionFile.isCloudOurs });
  parts.mqtt.addUser(parts.metricSender);
  return parts.mqtt;
}

/** How long changes stay on the device after the cloud asked for less, in milliseconds. */
const THROTTLE_PAUSE = 30_000;

function throttle({ events, sync, metricSender, link }: AgentParts, payload: Buffer): void {
  const message = parseThrottle(payload);
  if (!message) return;
  sync?.pause(THROTTLE_PAUSE);
  metricSender?.pause(THROTTLE_PAUSE);
  if (message.close) link?.banish();
  events.emit('mqtt:throttled', { pause: THROTTLE_PAUSE, close: message.close });
}

function buildSync(parts: AgentParts): Component {
  const { clock, logger, events, random, settings, checkpoint, provisionFile } = parts;
  const { id } = need(parts.identity, 'register');
  const ask = need(parts.ask, 'mqtt');
  const mqtt = need(parts.mqtt, 'mqtt');
  const database = need(parts.database, 'database').database;
  const { device } = need(parts.serialize, 'serialize');
  const { name, description, model, product, test } = device;
  parts.sync = new SyncService({
    clock,
    logger,
    events,
    database,
    id,
    device: { name, description, model, product, test: test === undefined ? undefined : Boolean(test) },
    resendAfter: settings.timeouts.sync,
    maxBytes: settings.database.maxSyncSize,
    hello: new Hello({
      database,
      logger,
      ask,
      isOurs: () => provisionFile.isCloudOurs,
    }),
    digests: new DigestCheck({
      ...{ ask, database, clock, logger, events, random },
      every: settings.sync.check,
    }),
    commands: new Commands({
      database,
      clock,
      logger,
      events,
      checkpoint,
      release: async () => parts.link?.release('command'),
    }),
  });
  mqtt.addUser(parts.sync);
  return parts.sync;
}

/** The last to start and the first to stop: the walk to the cloud, by the services that are on. */
export function buildLink(parts: AgentParts): Component | undefined {
  const { identity, clock, logger, events, random, settings, provisionFile, register, provision, mqtt } =
    parts;
  if (!identity) return undefined;
  parts.link = new Link({
    clock,
    logger,
    events,
    random,
    settings,
    id: identity.id,
    provisionFile,
    steps: {
      register,
      provision,
      mqtt: mqtt && {
        connect: (signal) => connect(parts, mqtt, identity.id, signal),
        disconnect: (reason) => mqtt.disconnect(reason),
      },
    },
  });
  return parts.link;
}

async function connect(parts: AgentParts, mqtt: MqttService, id: string, signal: AbortSignal) {
  const credentials = await readCredentials(parts, id);
  await parts.sync?.prepare({ id, accountId: credentials.accountId });
  parts.metricSender?.prepare(credentials.accountId);
  return mqtt.connect(credentials, signal);
}

/** @throws CERTIFICATE_MISSING when the PEMs that provision.json5 names are gone or of no use; the device is then provisioned again. */
async function readCredentials(
  { provisionFile, settings, directories }: AgentParts,
  id: string,
): Promise<Credentials> {
  const { record } = provisionFile;
  const pems = await provisionFile.readPems();
  if (!pems) {
    await provisionFile.loseCertificate();
    throw new CodedError(
      'CERTIFICATE_MISSING',
      'the certificate that provision.json5 names is gone, or not of its key',
    );
  }
  const { authority, endpoint, port, alpn } = settings.mqtt;
  return {
    id,
    accountId: record.accountId ?? '',
    endpoint: endpoint ?? record.endpoint ?? '',
    port: port ?? record.port ?? 443,
    alpn,
    certificate: pems.certificate,
    key: pems.key,
    ca: authority
      ? await readPem(expandPath(authority, directories), 'mqtt.authority')
      : trustedCa(record, pems.ca),
  };
}

/** An authority that came over an unprotected way is nobody's word. */
function trustedCa({ api = '' }: { readonly api?: string }, ca: string | undefined): string | undefined {
  return api.startsWith('https://') ? ca : undefined;
}

async function readPem(path: string, setting: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCodedError(error)) throw error;
    throw new CodedError('CONFIG_INVALID', `${setting}: ${path} cannot be read (${systemCode(error)})`, {
      cause: error,
    });
  }
}
