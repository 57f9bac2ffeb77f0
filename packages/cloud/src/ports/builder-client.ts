import type {
  BindRequest,
  CloudRecord,
  CloudRegisterRequest,
  FindAnswer,
  FindRequest,
  Registration,
  ReleaseRequest,
} from '@ioto/protocol';

/**
 * The builder's API for device clouds. Refusals are thrown as CodedError with the builder's own code and status;
 * BUILDER_UNREACHABLE (503, retryable) when it cannot be asked.
 */
export interface BuilderClient {
  /** Makes this cloud known, or updates what is known of it. */
  register(request: CloudRegisterRequest): Promise<CloudRecord>;
  /** The registration as it stands after the bind. */
  bind(request: BindRequest): Promise<Registration>;
  release(request: ReleaseRequest): Promise<void>;
  /** With `wait`, answered as soon as there is something, or empty after that many seconds. */
  find(request: FindRequest, signal?: AbortSignal): Promise<FindAnswer>;
}
