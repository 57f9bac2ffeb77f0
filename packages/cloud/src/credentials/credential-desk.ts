import { type Clock, errorCatalogue } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import type { CloudPlace } from '../devices/cloud-place.ts';
import type { DeviceCall, DeviceProvisioning } from '../devices/provisioning.ts';
import { accessError } from '../http/guards.ts';
import { nameOfPrincipal, type Principal, roleCovers } from '../http/principal.ts';
import type { AccountDirectory } from '../identity/accounts.ts';
import { type Sponsors, sponsorOf } from '../identity/sponsors.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import {
  CREDENTIAL_LIFE,
  type CredentialIssuer,
  type DeviceBearer,
  type IssuedCredentials,
  type ToolRole,
} from '../ports/credential-issuer.ts';

const credentialError = errorCatalogue({
  CREDENTIALS_TOO_OFTEN: { status: 429, retryable: true },
  SPONSOR_ENDS_SOON: { status: 409 },
  ACCOUNT_UNKNOWN: { status: 404 },
});

/** Credentials that one device may ask for: one for every boot in a bad hour. */
const PER_DEVICE = { burst: 60, period: 3_600_000 };
/** The same for one user or token: each is written into the record of its account. */
const PER_SPONSOR = { burst: 600, period: 3_600_000 };
/** Milliseconds that a device is told to stay away when it asks for more. */
const STAY_AWAY = 600_000;

/** The answer of getCreds (Ioto contract §6). */
export interface CredentialAnswer extends IssuedCredentials, CredentialPlace {}

/** What the credentials are for: region and services, whose bases are all the one of this cloud. */
export interface CredentialPlace {
  region: string;
  endpoints: { logs: string; s3: string; monitoring: string };
}

/** AWS's services are served at the root of the port that the API is on. */
export function credentialPlace({ region, api }: Pick<CloudPlace, 'region' | 'api'>): CredentialPlace {
  const { origin } = new URL(api);
  return { region, endpoints: { logs: origin, s3: origin, monitoring: origin } };
}

export interface ToolOrder {
  principal: Principal;
  accountId: string;
  /** Default: viewer. */
  role?: ToolRole;
  /** Default: an hour. */
  seconds?: number;
}

export interface CredentialDeskOptions {
  issuer: CredentialIssuer;
  devices: Pick<DeviceProvisioning, 'authenticate'>;
  sponsors: Sponsors;
  accounts: AccountDirectory;
  audit: AuditLog;
  place: () => Pick<CloudPlace, 'region' | 'api'>;
  clock: Clock;
}

/** Hands out short-lived credentials: to devices for themselves, to users and tokens for tools of their account. */
export class CredentialDesk {
  readonly #options: CredentialDeskOptions;
  readonly #perDevice: TokenBuckets;
  readonly #perSponsor: TokenBuckets;

  constructor(options: CredentialDeskOptions) {
    this.#options = options;
    const { clock } = options;
    this.#perDevice = new TokenBuckets({ clock, rule: PER_DEVICE });
    this.#perSponsor = new TokenBuckets({ clock, rule: PER_SPONSOR });
  }

  /** @throws as `DeviceProvisioning.authenticate`; CREDENTIALS_TOO_OFTEN (429). */
  async forDevice(call: DeviceCall): Promise<CredentialAnswer> {
    const { deviceId, accountId, generation } = await this.#options.devices.authenticate(call);
    return this.#give({ kind: 'device', deviceId, accountId, generation }, CREDENTIAL_LIFE.usual);
  }

  /** For a device that came with this certificate, whose end ends them. @throws CREDENTIALS_TOO_OFTEN (429) */
  async forCertificate(
    { deviceId, accountId, generation }: Pick<DeviceBearer, 'deviceId' | 'accountId' | 'generation'>,
    serial: string,
    seconds: number,
  ): Promise<CredentialAnswer> {
    return this.#give({ kind: 'device', deviceId, accountId, generation, ofCertificate: serial }, seconds);
  }

  async #give(bearer: DeviceBearer, seconds: number): Promise<CredentialAnswer> {
    const { issuer, place } = this.#options;
    if (this.#perDevice.take(bearer.deviceId) > 0) throw tooOften('this device', PER_DEVICE.burst);
    return { ...(await issuer.issue(bearer, seconds)), ...credentialPlace(place()) };
  }

  /**
   * Credentials that may do no more, and hold no longer, than who asks for them.
   *
   * @throws FORBIDDEN (403), ACCOUNT_UNKNOWN (404), SPONSOR_ENDS_SOON (409), CREDENTIALS_TOO_OFTEN (429).
   */
  async forTool({
    principal,
    accountId,
    role = 'viewer',
    seconds = CREDENTIAL_LIFE.usual,
  }: ToolOrder): Promise<CredentialAnswer> {
    const { issuer, sponsors, accounts, audit, place } = this.#options;
    if ('role' in principal && !roleCovers(principal.role, role)) {
      throw accessError('FORBIDDEN', `only who has the role ${role} may have such credentials`);
    }
    const sponsor = sponsorOf(principal);
    if (!(await accounts.get(accountId))) {
      throw credentialError('ACCOUNT_UNKNOWN', 'there is no such account');
    }
    const standing = await sponsors.standing(sponsor, accountId);
    const life = this.#within(seconds, standing?.expires);
    const actor = nameOfPrincipal(principal);
    if (this.#perSponsor.take(actor) > 0) throw tooOften(actor, PER_SPONSOR.burst);
    const credentials = await issuer.issue({ kind: 'tool', accountId, role, sponsor }, life);
    const { accessKeyId, expires } = credentials;
    const details = { accessKeyId, role, expires };
    await audit.record({ accountId }, { action: 'credentials.issued', actor, accountId, details });
    return { ...credentials, ...credentialPlace(place()) };
  }

  /** Seconds, cut to what is left of the sponsor's own time. */
  #within(seconds: number, ends = Number.POSITIVE_INFINITY): number {
    const left = Math.floor((ends - this.#options.clock.now()) / 1000);
    if (left < CREDENTIAL_LIFE.shortest) {
      throw credentialError(
        'SPONSOR_ENDS_SOON',
        `the login or token ends within ${CREDENTIAL_LIFE.shortest} s: sign in again first`,
      );
    }
    return Math.min(seconds, left);
  }
}

function tooOften(who: string, burst: number): Error {
  const message = `excessive traffic: ${who} asked for more than ${burst} credentials in an hour`;
  return credentialError('CREDENTIALS_TOO_OFTEN', message, { retryAfter: STAY_AWAY });
}
