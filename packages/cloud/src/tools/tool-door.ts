import { type Logger, messageOf } from '@ioto/runtime';
import type { AccountDevices } from '../devices/account-devices.ts';
import { roleCovers } from '../http/principal.ts';
import type { AccountDirectory } from '../identity/accounts.ts';
import { concernsSponsor, isOfSponsors, type Sponsors } from '../identity/sponsors.ts';
import type { ToolBearer } from '../ports/credential-issuer.ts';
import type {
  ClientRights,
  DeviceEndpoint,
  DeviceMessage,
  ToolAdmission,
  ToolGate,
  ToolPrincipal,
} from '../ports/device-endpoint.ts';
import { FeedFollower } from '../ports/feed-follower.ts';
import type { ItemChange, ItemStore } from '../ports/item-store.ts';
import type { ReservedTopics } from '../reserved-topics/reserved-topics.ts';
import { toolMayPublish, toolMayReceive, toolMayRetain, toolMaySubscribe } from './tool-policy.ts';

export interface ToolDoorOptions {
  store: ItemStore;
  sponsors: Sponsors;
  accounts: AccountDirectory;
  devices: AccountDevices;
  endpoint: Pick<DeviceEndpoint, 'disconnect'>;
  reserved: Pick<ReservedTopics, 'isReserved' | 'receive'>;
  logger: Logger;
}

/** Lets tools in by their credentials, and out as soon as whoever lent them their right has lost it. */
export class ToolDoor extends FeedFollower implements ToolGate {
  override readonly name = 'tools';
  readonly #options: ToolDoorOptions;
  readonly #inside = new Set<ToolPrincipal>();
  /**
   * Accounts of sessions that an earlier process has left; true once their devices are known. They stay so while this
   * process runs: a session may last for as long.
   */
  readonly #left = new Map<string, boolean>();

  constructor(options: ToolDoorOptions) {
    super(options.store);
    this.#options = options;
  }

  override async stop(): Promise<void> {
    await super.stop();
    this.#left.clear();
  }

  async admit(bearer: ToolBearer, expires: number, clientId: string): Promise<ToolAdmission> {
    const { accountId, role, sponsor } = bearer;
    const reason = await this.#objection(bearer);
    if (reason) return { admitted: false, reason };
    await this.#options.devices.know(accountId);
    const sessionId = toolSessionId(accountId, clientId);
    const rights = this.#rightsOf({ accountId, role });
    return {
      admitted: true,
      principal: { kind: 'tool', accountId, role, sponsor, sessionId, expires, rights },
    };
  }

  #rightsOf(tool: Pick<ToolPrincipal, 'accountId' | 'role'>): ClientRights {
    const owns = (deviceId: string) => this.#options.devices.owns(tool.accountId, deviceId);
    return {
      mayPublish: (topic) => toolMayPublish(tool, topic, owns),
      maySubscribe: (filter) => toolMaySubscribe(tool, filter, owns),
      mayReceive: (topic) => toolMayReceive(tool, topic, owns),
      mayRetain: (topic) => toolMayRetain(tool, topic),
    };
  }

  connected(principal: ToolPrincipal): void {
    this.#inside.add(principal);
    this.#options.devices.use(principal.accountId);
    // Its right may have ended between the look at it and now, when the changes are watched.
    this.#checkAgain(principal);
  }

  disconnected(principal: ToolPrincipal): void {
    if (this.#inside.delete(principal)) this.#options.devices.leave(principal.accountId);
  }

  /** What else it publishes is between it and its subscribers. */
  async received(principal: ToolPrincipal, message: DeviceMessage): Promise<void> {
    const { reserved } = this.#options;
    if (reserved.isReserved(message.topic)) await reserved.receive(principal, message);
  }

  receivesOf(accountId: string): (topic: string) => boolean {
    const { devices } = this.#options;
    if (!this.#left.has(accountId)) this.#keepKnown(accountId);
    const owns = (deviceId: string) => devices.owns(accountId, deviceId);
    // Nothing is lost by what is not known yet: each message is looked at again before it is sent.
    return (topic) => this.#left.get(accountId) !== true || toolMayReceive({ accountId }, topic, owns);
  }

  #keepKnown(accountId: string): void {
    const { devices, logger } = this.#options;
    this.#left.set(accountId, false);
    devices.know(accountId).then(
      () => {
        devices.use(accountId);
        this.#left.set(accountId, true);
      },
      (error) => {
        this.#left.delete(accountId);
        logger.error({ accountId, error: messageOf(error) }, 'cannot read the devices of an account');
      },
    );
  }

  async #objection({
    accountId,
    role,
    sponsor,
  }: Pick<ToolBearer, 'accountId' | 'role' | 'sponsor'>): Promise<string | undefined> {
    const { sponsors, accounts } = this.#options;
    const standing = await sponsors.standing(sponsor, accountId);
    if (!standing) return 'the login or token that the credential was made with has ended';
    if (!roleCovers(standing.role, role)) return `the role ${role} is more than its sponsor has now`;
    return (await accounts.get(accountId)) ? undefined : 'there is no such account';
  }

  protected override changed(change: ItemChange): void {
    // The data of devices changes all the time, and concerns no sponsor.
    if (!isOfSponsors(change)) return;
    for (const principal of this.#inside) {
      if (concernsSponsor(change, principal.sponsor)) this.#checkAgain(principal);
    }
  }

  #checkAgain(principal: ToolPrincipal): void {
    const { endpoint, logger } = this.#options;
    const { accountId, sessionId } = principal;
    this.#objection(principal).then(
      (reason) => {
        if (reason === undefined || !this.#inside.has(principal)) return;
        logger.info({ accountId, reason }, 'tool sent away');
        endpoint.disconnect(sessionId);
      },
      (error) => logger.error({ accountId, error: messageOf(error) }, 'cannot check a tool’s credential'),
    );
  }
}

/** Has a blank, which the ID of a device cannot have. */
export function toolSessionId(accountId: string, clientId: string): string {
  return `tool ${accountId} ${clientId}`;
}
