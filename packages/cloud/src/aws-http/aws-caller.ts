import type { Clock } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import { notedPeer } from '../http/connection-peer.ts';
import type { CredentialOpener, ProvenCredential } from '../ports/credential-issuer.ts';
import type { DeviceGate, EndpointPrincipal, ToolGate } from '../ports/device-endpoint.ts';
import { type ClaimedSignature, isSigned, parseSignature } from '../sigv4/parse-signature.ts';
import { CLOCK_TOLERANCE, verifySignedRequest } from '../sigv4/verify-request.ts';
import { awsError } from './aws-error.ts';

/** Who makes a request of an AWS service: the same devices and tools that the MQTT endpoint lets in. */
export type AwsCaller = EndpointPrincipal;

export interface AuthorizeOptions {
  /** A connection with a device certificate will do instead of a signature. */
  certificate?: boolean;
}

/** Finds out who makes a request of an AWS service, and whether that one is still welcome. */
export interface AwsAuthorizer {
  /**
   * @param services Signing names that are served.
   * @throws the codes of `verifySignedRequest`; ExpiredTokenException (403) for a credential whose device or sponsor has
   * lost its right; ForbiddenException (403) for a certificate that may not connect.
   */
  authorize(
    request: FastifyRequest,
    services: readonly string[],
    options?: AuthorizeOptions,
  ): Promise<AwsCaller>;
  /**
   * Before a large body is read: whether the request says that it is signed, with a credential of this cloud. That proves
   * nothing yet.
   *
   * @returns the account of the credential.
   * @throws as `authorize`.
   */
  preview(request: FastifyRequest): Promise<string>;
  /**
   * For an answer that goes on: why a caller that was authorized has to go by now, if it has. It is asked at the door where it
   * was let in, as its next request would be.
   */
  objectionTo(caller: AwsCaller): Promise<string | undefined>;
}

type Admission = { admitted: true; principal: AwsCaller } | { admitted: false; reason: string };

export interface AwsAuthorizationOptions {
  credentials: CredentialOpener;
  /** Asked for at the first request: what is behind them is made later. */
  gate: () => DeviceGate;
  tools: () => ToolGate;
  region: () => string;
  clock: Clock;
}

/** Signatures (AWS Signature Version 4) of credentials that this cloud gave out, and device certificates. */
export class AwsAuthorization implements AwsAuthorizer {
  readonly #options: AwsAuthorizationOptions;
  /** How those were let in that make a request now. */
  readonly #doors = new WeakMap<AwsCaller, () => Promise<Admission>>();

  constructor(options: AwsAuthorizationOptions) {
    this.#options = options;
  }

  async authorize(
    request: FastifyRequest,
    services: readonly string[],
    { certificate: accepts = false }: AuthorizeOptions = {},
  ): Promise<AwsCaller> {
    const signed = { ...partsOf(request), body: request.rawBody ?? Buffer.alloc(0) };
    const certificate = notedPeer(request.raw.socket)?.certificate;
    if (accepts && certificate && !isSigned(signed)) {
      const { ip } = request;
      const admission = await this.#letIn(() => this.#options.gate().admit(certificate, ip));
      if (admission.admitted) return admission.principal;
      throw awsError('ForbiddenException', admission.reason, { status: 403 });
    }
    const { clock, region, credentials } = this.#options;
    const proven = await verifySignedRequest<ProvenCredential>(signed, {
      now: clock.now(),
      region: region(),
      services,
      open: (keys) => credentials.open(keys),
    });
    const { ip } = request;
    const admission = await this.#letIn(() => this.#admit(proven, ip));
    if (admission.admitted) return admission.principal;
    throw awsError('ExpiredTokenException', admission.reason, { status: 403 });
  }

  async objectionTo(caller: AwsCaller): Promise<string | undefined> {
    const admission = await this.#doors.get(caller)?.();
    return admission?.admitted ? undefined : (admission?.reason ?? 'the caller was not let in here');
  }

  async preview(request: FastifyRequest): Promise<string> {
    const signed = { ...partsOf(request), body: Buffer.alloc(0) };
    const claimed: ClaimedSignature = parseSignature(signed);
    if (Math.abs(claimed.time - this.#options.clock.now()) > CLOCK_TOLERANCE) {
      throw awsError(
        'InvalidSignatureException',
        'the signature is too old or not valid yet: check the clock',
        { status: 403 },
      );
    }
    const { bearer } = await this.#options.credentials.open(claimed);
    return bearer.bearer.accountId;
  }

  async #letIn(door: () => Promise<Admission>): Promise<Admission> {
    const admission = await door();
    if (admission.admitted) this.#doors.set(admission.principal, door);
    return admission;
  }

  async #admit({ bearer, expires }: ProvenCredential, address: string): Promise<Admission> {
    const { gate, tools, clock } = this.#options;
    if (expires <= clock.now()) return { admitted: false, reason: 'the credential has expired' };
    return bearer.kind === 'device'
      ? gate().admitBearer(bearer, address)
      : tools().admit(bearer, expires, 'http');
  }
}

function partsOf(request: FastifyRequest) {
  const { method = '', url = '', rawHeaders } = request.raw;
  return { method, target: url, rawHeaders };
}
