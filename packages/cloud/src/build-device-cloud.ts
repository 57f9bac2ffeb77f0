import { compileSchema, completeSchema, schemaHash } from '@ioto/database';
import { SYNC_CHECKED, SYNC_DIGEST, SYNC_FETCH, SYNC_HELLO } from '@ioto/protocol';
import type { Clock, Component, Logger } from '@ioto/runtime';
import type { AuditLog } from './audit/audit-log.ts';
import { cloudAuditRoutes } from './audit/audit-routes.ts';
import type { AwsRoutes } from './aws-http/aws-scope.ts';
import type { JsonTarget } from './aws-http/json-target.ts';
import { buildAwsServices } from './aws-services.ts';
import { broadcastRoutes } from './cloud-broadcasts/broadcast-routes.ts';
import { BroadcastsDown } from './cloud-broadcasts/broadcasts-down.ts';
import { CloudBroadcasts } from './cloud-broadcasts/cloud-broadcasts.ts';
import type { AccountList } from './cloud-broadcasts/own-broadcasts.ts';
import { CredentialDesk } from './credentials/credential-desk.ts';
import { credentialRoutes } from './credentials/credential-routes.ts';
import { MetricDesk } from './device-metrics/metric-desk.ts';
import { metricGet } from './device-metrics/metric-get.ts';
import { MetricIntake } from './device-metrics/metric-intake.ts';
import { metricRoutes } from './device-metrics/metric-routes.ts';
import { AccountDevices } from './devices/account-devices.ts';
import { BuilderLink } from './devices/builder-link.ts';
import type { CloudPlace } from './devices/cloud-place.ts';
import { ConnectionHistory } from './devices/connection-history.ts';
import { DeviceClaimDesk } from './devices/device-claims.ts';
import { DeviceDirectory } from './devices/device-directory.ts';
import { DeviceDoor } from './devices/device-door.ts';
import { DeviceRecords } from './devices/device-records.ts';
import { DeviceReleases } from './devices/device-releases.ts';
import { deviceRoutes } from './devices/device-routes.ts';
import { IntentReconciler } from './devices/intent-reconciler.ts';
import { Presence } from './devices/presence.ts';
import { provisionRoutes } from './devices/provision-routes.ts';
import { DeviceProvisioning } from './devices/provisioning.ts';
import { Turns } from './devices/turns.ts';
import type { Guards } from './http/guards.ts';
import type { RouteModule } from './http/http-service.ts';
import type { AccountDirectory } from './identity/accounts.ts';
import type { Sponsors } from './identity/sponsors.ts';
import { ItemFeed } from './item-feed/item-feed.ts';
import { GenericItems } from './items/generic-items.ts';
import { itemRoutes } from './items/item-routes.ts';
import { Complaints } from './limits/complaints.ts';
import { claimGuessRules, GuessLimiter } from './limits/guess-limiter.ts';
import type { CompareCounts } from './metrics/sync-metrics.ts';
import { AccountPolicies } from './policies/account-policies.ts';
import { PolicyDesk } from './policies/policy-desk.ts';
import { policyRoutes } from './policies/policy-routes.ts';
import { PolicyTrial } from './policies/policy-trial.ts';
import { RightsOfDevices } from './policies/rights-of-devices.ts';
import type { BuilderClient } from './ports/builder-client.ts';
import type { CertificateAuthority } from './ports/certificate-authority.ts';
import type { CredentialIssuer } from './ports/credential-issuer.ts';
import type { DeviceEndpoint, DeviceGate, ToolGate } from './ports/device-endpoint.ts';
import type { ItemStore } from './ports/item-store.ts';
import { ReservedTopics } from './reserved-topics/reserved-topics.ts';
import type { SecretSource } from './state-directory/state-directory.ts';
import { CompareTurns } from './sync/digest/compare-turns.ts';
import { DeviceTable } from './sync/digest/device-table.ts';
import { DigestAnswers } from './sync/digest/digest-answer.ts';
import { FetchAnswers } from './sync/digest/fetch-answer.ts';
import { ItemSender } from './sync/down/item-sender.ts';
import { LiveDelivery } from './sync/down/live-delivery.ts';
import { dropPendingCommands } from './sync/down/pending-commands.ts';
import { SyncDown } from './sync/down/sync-down.ts';
import { expirySweep } from './sync/expiry/expiry-sweep.ts';
import { Agreed } from './sync/hello/agreed.ts';
import { Peers } from './sync/hello/peers.ts';
import { Arrivals } from './sync/items/arrivals.ts';
import type { SyncIdentity } from './sync/items/wire-item.ts';
import { type RequestHandler, ServiceMessages } from './sync/service-messages.ts';
import { storeGet } from './sync/store-get.ts';
import { conflictsOf } from './sync/up/conflict-log.ts';
import { Pace } from './sync/up/pace.ts';
import { Quarantine, releaseQuarantine } from './sync/up/quarantine.ts';
import { type SyncCounts, SyncUp } from './sync/up/sync-up.ts';
import { ToolDoor } from './tools/tool-door.ts';

export interface DeviceCloudCapabilities {
  store: ItemStore;
  audit: AuditLog;
  accounts: AccountDirectory & AccountList;
  sponsors: Sponsors;
  credentials: CredentialIssuer;
  guards: Guards;
  secrets: SecretSource;
  /** Path below the state directory. */
  file: (...names: string[]) => string;
  authority: CertificateAuthority;
  builder: BuilderClient;
  /** Calls back to the `gate` of what is built here. */
  endpoint: DeviceEndpoint;
  /** Where devices are sent to; known once the front door listens. */
  place: () => CloudPlace;
  /** The data schema of devices and cloud, `onetable:1.1.0`; core models that it leaves out are added. */
  schema?: Readonly<Record<string, unknown>>;
  /** Bytes of packed logs that an account may keep; default 10 GiB. */
  logQuota?: number;
  clock: Clock;
  logger: Logger;
}

export interface DeviceCloudParts {
  /** What the endpoint asks and tells. */
  gate: DeviceGate;
  /** The same for tools. */
  tools: ToolGate;
  claims: DeviceClaimDesk;
  releases: DeviceReleases;
  provisioning: DeviceProvisioning;
  reconciler: IntentReconciler;
  directory: DeviceDirectory;
  items: GenericItems;
  /** What was counted of sync up. */
  readonly syncCounts: SyncCounts & CompareCounts;
  broadcasts: CloudBroadcasts;
  /** What devices measured: sets that were stored, and that were dropped. */
  metricCounts: Readonly<MetricIntake['counters']>;
  routes: RouteModule[];
  /** What AWS's clients ask for over HTTP. */
  aws: { routes: readonly AwsRoutes[]; targets: readonly JsonTarget[] };
  /** To be started before the endpoint takes connections, in this order. */
  components: Component[];
  /** To be started once it listens: what asks the builder. */
  afterFrontDoor: Component[];
}

/** The device cloud: claims, certificates, connections and the data of devices. */
export function buildDeviceCloud(capabilities: DeviceCloudCapabilities): DeviceCloudParts {
  const { store, audit, accounts, guards, secrets, place, clock, logger } = capabilities;
  const { authority, builder, endpoint, sponsors, credentials } = capabilities;
  const schema = compileSchema(completeSchema(capabilities.schema ?? {}));
  const secret = () => secrets.secret('device-token');
  const turns = new Turns();
  const records = new DeviceRecords(store);

  const complaints = new Complaints({ clock, logger });
  const peers = new Peers();
  const sender = new ItemSender({ store, endpoint, peers, clock, logger });
  const arrivals = new Arrivals({ store, clock });
  const broadcastsDown = new BroadcastsDown({ schema, store, sender, logger });
  const syncDown = new SyncDown({
    ...{ schema, store, endpoint, sender, arrivals, clock, logger },
    broadcasts: broadcastsDown,
  });
  const quarantine = new Quarantine({ store, clock, complaints });
  const conflicts = (identity: SyncIdentity) => conflictsOf(store, identity);
  const pace = new Pace({ clock });
  const agreed = new Agreed({ store, endpoint, peers, pace, clock, schemaHash: schemaHash(schema) });
  const syncUp = new SyncUp({
    ...{ schema, store, endpoint, sender, arrivals, quarantine, agreed, pace, syncDown, clock, logger },
    complaints,
  });
  const metrics = new MetricIntake({ store, clock, complaints, logger });
  const metricDesk = new MetricDesk({ store, clock });
  const requests = new Map<string, RequestHandler>([
    ['store/get', storeGet({ schema, store })],
    ['metric/get', metricGet({ desk: metricDesk, complaints })],
    [SYNC_HELLO, agreed.hello],
    [SYNC_CHECKED, agreed.checked],
  ]);
  const comparing = {
    ...{ schema, sender, peers, turns: new CompareTurns({ clock }) },
    table: new DeviceTable({ store, broadcasts: broadcastsDown }),
  };
  const digests = new DigestAnswers(comparing);
  const longRequests = new Map<string, RequestHandler>([
    [SYNC_DIGEST, digests.answer],
    [SYNC_FETCH, new FetchAnswers(comparing).answer],
  ]);
  const messages = new ServiceMessages({
    ...{ endpoint, syncUp, syncDown, metrics, requests, longRequests, complaints, logger },
  });
  const accountDevices = new AccountDevices({ store, clock });
  const live = new LiveDelivery({
    ...{ schema, store, endpoint, sender, syncDown, logger },
    devices: accountDevices,
  });
  const feed = new ItemFeed({ schema, store, endpoint });
  const expiry = expirySweep({ schema, store, clock, logger });

  const presence = new Presence({ store, clock, logger });
  const history = new ConnectionHistory({ store, clock, logger });
  const region = () => place().region;
  const policies: AccountPolicies = new AccountPolicies({
    ...{ store, clock, logger, region },
    onChange: (accountId) => door.policiesChanged(accountId),
  });
  const policyDesk = new PolicyDesk({ store, records, audit, region, clock });
  const trial = new PolicyTrial({ desk: policyDesk, records, region, clock });
  const door: DeviceDoor = new DeviceDoor({
    store,
    records,
    rights: new RightsOfDevices({ policies, region, clock }),
    presence,
    history,
    endpoint,
    messages: {
      receive: (principal, message) =>
        reserved.isReserved(message.topic)
          ? reserved.receive(principal, message)
          : messages.receive(principal, message),
    },
    peers: agreed.peers,
    audit,
    turns,
    clock,
    logger,
  });
  const guesses = new GuessLimiter({ clock, rules: claimGuessRules });
  const claims = new DeviceClaimDesk({
    ...{ store, records, builder, accounts, guesses, audit, turns, secret, clock, logger },
  });
  const provisioning = new DeviceProvisioning({
    ...{ store, records, builder, authority, accounts, audit, turns, secret, place, clock },
    completeWaiting: (registration) => claims.completeWaiting(registration),
    onReplaced: (deviceId) => door.replaced(deviceId),
  });
  const directory = new DeviceDirectory({ store, records, clock });
  const desk = new CredentialDesk({
    ...{ sponsors, accounts, audit, place, clock },
    issuer: credentials,
    devices: provisioning,
  });
  const aws = buildAwsServices({
    ...{ store, audit, accounts, sponsors, guards, secrets, authority, credentials, endpoint, place, schema },
    ...{ records, accountDevices, directory, provisioning, metrics, metricDesk, turns, clock, logger },
    file: capabilities.file,
    logQuota: capabilities.logQuota,
    credentialDesk: desk,
    door,
  });
  const reserved = new ReservedTopics(aws.topics, logger);
  const dropPending = (accountId: string, deviceId: string) =>
    dropPendingCommands({ schema, store }, accountId, deviceId);
  const releases = new DeviceReleases({
    store,
    records,
    builder,
    endpoint,
    audit,
    turns,
    dropPending,
    leaving: aws.leaving,
    clock,
  });
  const reconciler = new IntentReconciler({
    ...{ records, turns, clock, logger },
    settleClaim: (intent) => claims.settle(intent),
    carryOutRelease: (intent) => releases.carryOut(intent),
  });
  const link = new BuilderLink({ builder, claims, accounts, audit, place, clock, logger });
  const release: Component = {
    name: 'quarantine',
    start: () =>
      releaseQuarantine({
        ...{ quarantine, logger },
        isKnown: (model) => schema.models.get(model)?.syncsUp ?? false,
        apply: (identity, changes) => syncUp.takeIn(identity, changes),
      }),
    stop: async () => undefined,
  };
  const items = new GenericItems({ schema, store, records, arrivals, clock });
  const broadcasts = new CloudBroadcasts({ schema, store, arrivals, accounts, audit, clock });
  const tools = new ToolDoor({
    store,
    sponsors,
    accounts,
    devices: accountDevices,
    endpoint,
    reserved,
    logger,
  });

  return {
    gate: door,
    tools,
    ...{ claims, releases, provisioning, reconciler, directory, items, broadcasts },
    metricCounts: metrics.counters,
    get syncCounts() {
      return { ...syncUp.counts, ...digests.counts };
    },
    routes: [
      (app) => provisionRoutes(app, { provisioning }),
      (app) =>
        deviceRoutes(app, { claims, releases, directory, history, quarantine, agreed, conflicts, guards }),
      (app) => itemRoutes(app, { items, guards }),
      (app) => credentialRoutes(app, { desk, guards }),
      (app) => broadcastRoutes(app, { broadcasts, guards }),
      (app) => cloudAuditRoutes(app, { audit, guards }),
      (app) => metricRoutes(app, { desk: metricDesk, guards }),
      (app) => policyRoutes(app, { desk: policyDesk, trial, guards }),
      ...aws.api,
    ],
    aws,
    components: [
      arrivals,
      presence,
      history,
      live,
      feed,
      broadcastsDown,
      syncDown,
      expiry,
      release,
      accountDevices,
      policies,
      tools,
      ...aws.components,
    ],
    afterFrontDoor: [reconciler, link],
  };
}
