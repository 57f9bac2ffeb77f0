import type { AwsCaller } from '../aws-http/aws-caller.ts';
import { awsError } from '../aws-http/aws-error.ts';
import { roleCovers } from '../http/principal.ts';
import type { AccountDirectory } from '../identity/accounts.ts';
import type { ToolRole } from '../ports/credential-issuer.ts';
import { logNames } from './log-names.ts';

/** What a device may name its own streams: its ID, alone or with something behind one of these. */
const BEHIND_ID = ['/', '.', '-'];

export interface LogRightsOptions {
  accounts: AccountDirectory;
  region: () => string;
}

/** What a caller may do with the logs of its account. Everything refused is an AccessDeniedException. */
export class LogRights {
  readonly #options: LogRightsOptions;

  constructor(options: LogRightsOptions) {
    this.#options = options;
  }

  /** A device makes groups of our own names, and of those that its account has listed. */
  async toCreateGroup(caller: AwsCaller, group: string): Promise<void> {
    if (caller.kind === 'tool') {
      this.#requireRole(caller, 'user', 'CreateLogGroup', group);
      return;
    }
    if (group === 'ioto' || group.startsWith('ioto/') || group.startsWith('/ioto/')) return;
    const { logGroups = [] } = (await this.#options.accounts.get(caller.accountId)) ?? {};
    const isListed = logGroups.some((name) =>
      name.endsWith('*') ? group.startsWith(name.slice(0, -1)) : group === name,
    );
    if (isListed) return;
    const why = 'a device may make ioto, ioto/… and /ioto/…, and what its account has listed';
    throw this.#denied(caller, 'CreateLogGroup', group, why);
  }

  toWrite(caller: AwsCaller, action: string, group: string, stream: string): void {
    if (caller.kind === 'tool') {
      this.#requireRole(caller, 'user', action, group);
    } else if (!isOwnStream(caller.deviceId, stream)) {
      const why = `a device writes to streams named ${caller.deviceId}, or that and /, . or - and more`;
      throw this.#denied(caller, action, group, why, stream);
    }
  }

  /** Streams that a device names, or beginnings of names: each must be its own. */
  toRead(caller: AwsCaller, action: string, group: string, streams: readonly string[]): void {
    if (caller.kind === 'tool') return;
    const { deviceId } = caller;
    if (streams.length > 0 && streams.every((stream) => isOwnStream(deviceId, stream))) return;
    throw this.#denied(caller, action, group, 'a device reads its own streams only, and names them');
  }

  /** Deletes, changes how long events are kept, or lists what the account has. */
  toManage(caller: AwsCaller, role: ToolRole, action: string, group = '*'): void {
    if (caller.kind === 'tool') this.#requireRole(caller, role, action, group);
    else throw this.#denied(caller, action, group, 'a device may not');
  }

  #requireRole(caller: AwsCaller & { kind: 'tool' }, role: ToolRole, action: string, group: string): void {
    if (roleCovers(caller.role, role)) return;
    throw this.#denied(caller, action, group, `it takes the role ${role}, not ${caller.role}`);
  }

  #denied(caller: AwsCaller, action: string, group: string, why: string, stream?: string): Error {
    const place = { region: this.#options.region(), accountId: caller.accountId };
    const resource =
      stream === undefined ? logNames.groupArn(place, group) : logNames.streamArn(place, group, stream);
    const who = caller.kind === 'device' ? `device ${caller.deviceId}` : 'this tool';
    return awsError(
      'AccessDeniedException',
      `User: ${who} is not authorized to perform: logs:${action} on resource: ${resource}: ${why}`,
    );
  }
}

export function isOwnStream(deviceId: string, stream: string): boolean {
  if (!stream.startsWith(deviceId)) return false;
  return stream.length === deviceId.length || BEHIND_ID.includes(stream[deviceId.length] as string);
}
