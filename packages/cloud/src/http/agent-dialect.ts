import { CodedError } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';

/** True for agents that read proper statuses; agents in the field read a body only on exactly 200 (Ioto contract §3). */
export function readsStatuses(request: FastifyRequest): boolean {
  return request.headers['ioto-agent'] === '2';
}

/**
 * The two refusals on which an agent in the field forgets its certificates and registers again (Ioto contract §10): it
 * must read exactly this text. Ours read the code.
 */
export const agentTexts: Readonly<Record<string, { status: number; text: string }>> = {
  DEVICE_AUTHENTICATION_FAILED: { status: 401, text: 'Authentication failed' },
  DEVICE_NOT_FOUND: { status: 404, text: 'Cannot find device' },
};

/** Thrown by routes for devices when the bearer token is void: makes the device register anew. */
export function deviceAuthenticationFailed(why: string): CodedError {
  return new CodedError('DEVICE_AUTHENTICATION_FAILED', why, { status: 401 });
}

/** Thrown by routes for devices when the cloud does not hold the device: makes it register anew. */
export function deviceNotFound(why: string): CodedError {
  return new CodedError('DEVICE_NOT_FOUND', why, { status: 404 });
}
