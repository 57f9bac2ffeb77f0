import type { SigningScope } from '@ioto/protocol';

/** What the holder of a credential may do at most: the roles of an account without the owner, whose rights need a login. */
export const TOOL_ROLES = ['admin', 'user', 'viewer'] as const;
export type ToolRole = (typeof TOOL_ROLES)[number];

/** A device, for one ownership of it. */
export interface DeviceBearer {
  kind: 'device';
  deviceId: string;
  accountId: string;
  /** Ownership generation: the credential ends with it. */
  generation: number;
  /** Serial number of the certificate that it was given for: the credential ends with that too. */
  ofCertificate?: string;
}

/** By whose word a tool acts: the credential ends with the login or token, or with the right of its user. */
export type Sponsor =
  | { by: 'login'; userId: string; tokenId: string }
  /** `wholeCloud`: the token is bound to no account. */
  | { by: 'apiToken'; tokenId: string; wholeCloud: boolean }
  | { by: 'admin' };

/** A console, script or AWS client that works for one account. */
export interface ToolBearer {
  kind: 'tool';
  accountId: string;
  role: ToolRole;
  sponsor: Sponsor;
}

export type CredentialBearer = DeviceBearer | ToolBearer;

/** Keys that requests are signed with (AWS Signature Version 4). All three are secrets of the bearer. */
export interface IssuedCredentials {
  /** Begins with `ASIA`, as AWS's temporary ones do. */
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  /** ISO time. */
  expires: string;
}

/** Whose credential a request was signed with, once that is proven. */
export interface ProvenCredential {
  bearer: CredentialBearer;
  /** Milliseconds since 1970. */
  expires: number;
}

/** Seconds that a credential may be asked for, as AWS has them. */
export const CREDENTIAL_LIFE = { shortest: 900, longest: 43_200, usual: 3600 } as const;

/** Makes short-lived credentials. */
export interface CredentialIssuer {
  /** `seconds` within `CREDENTIAL_LIFE`. */
  issue(bearer: CredentialBearer, seconds: number): Promise<IssuedCredentials>;
}

/** Knows the credentials of this cloud again. */
export interface CredentialOpener {
  /**
   * The secret that belongs to an access key and its session token, and whose they are. Whether that one is still
   * welcome is the door's matter.
   *
   * @throws UnrecognizedClientException for what was not issued here, ExpiredTokenException; both 403.
   */
  open(keys: { accessKeyId: string; sessionToken: string | undefined }): Promise<OpenedCredential>;
}

export interface OpenedCredential {
  secret: string;
  bearer: ProvenCredential;
  /** The key for one scope that the secret makes, where it is kept; else whoever needs it makes it. */
  signingKey?(scope: SigningScope): Buffer;
}
