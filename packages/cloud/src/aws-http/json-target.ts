import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { AwsCaller } from './aws-caller.ts';

/** What the input of an operation may have, so that nobody can make the cloud parse for long. */
export interface InputLimits {
  /** Bytes of JSON, after it is inflated. */
  bytes: number;
  /** Values in it, objects and lists counted with what they hold. */
  values: number;
}

/** One operation of a service that speaks an AWS JSON protocol. */
export interface AwsOperation {
  /** Default: 64 KB and 5000 values. */
  readonly limits?: InputLimits;
  /**
   * Answers with an object, or with a stream and its content type. An answer that goes on asks `objection` from time to time
   * why its caller has to go, if it has.
   *
   * @throws `awsError`s.
   */
  handle(
    input: Readonly<Record<string, unknown>>,
    caller: AwsCaller,
    request: FastifyRequest,
    objection: Objection,
  ): Promise<object | AwsStream>;
}

export type Objection = () => Promise<string | undefined>;

/** An answer that goes on for as long as the caller listens. */
export interface AwsStream {
  readonly contentType: string;
  readonly stream: Readable;
}

/** A service that speaks AWS JSON 1.0 or 1.1 on `POST /`. */
export interface JsonTarget {
  /** Of `X-Amz-Target`, such as `Logs_20140328`. */
  readonly prefix: string;
  /** Of the content type: `application/x-amz-json-VERSION`. */
  readonly version: '1.0' | '1.1';
  /** Name in the credential scope, such as `logs`. */
  readonly signingName: string;
  /** Clients that also know the service's older query protocol are told its error codes in a header of their own. */
  readonly queryCompatible?: boolean;
  /** By name, such as `PutLogEvents`. */
  readonly operations: Readonly<Record<string, AwsOperation>>;
}
