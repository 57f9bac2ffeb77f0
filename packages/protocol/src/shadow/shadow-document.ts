import { isUtf8 } from 'node:buffer';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { ShadowError, shadowRefusal } from './shadow-errors.ts';

/** What a shadow may be. */
export const SHADOW_LIMITS = {
  /** UTF-8 bytes of `state`, written without blanks; metadata is not counted. */
  bytes: 8192,
  /** Levels of objects and arrays in one section. */
  depth: 8,
  /** UTF-8 bytes of a client token. */
  tokenBytes: 64,
};

export type ShadowLimits = Readonly<typeof SHADOW_LIMITS>;

/** Sections of a shadow, or of its metadata; one that is empty is not there. */
export interface ShadowSections {
  desired?: JsonObject;
  reported?: JsonObject;
}

export const SECTIONS = ['desired', 'reported'] as const;

/** What is asked for with an update: null empties a section, or the shadow. */
export interface ShadowUpdate {
  state: { desired?: JsonObject | null; reported?: JsonObject | null } | null;
  /** The version that the caller believes the shadow to have. */
  version?: number;
  clientToken?: string;
}

/**
 * Reads the body of an update.
 *
 * @throws ShadowError 400, 413 and 415, in AWS IoT's words.
 */
export function parseUpdate(payload: Buffer, limits: ShadowLimits = SHADOW_LIMITS): ShadowUpdate {
  const document = parseDocument(payload);
  const clientToken = tokenOf(document, limits);
  const fail = (message: string) => new ShadowError(400, message, clientToken);
  const { state, version } = document;
  if (state === undefined) throw fail('Missing required node: state');
  if (version !== undefined && !isVersion(version)) throw fail('Invalid version');
  const facts = { ...(version === undefined ? {} : { version }), ...(clientToken ? { clientToken } : {}) };
  if (state === null) return { state, ...facts };
  if (!isJsonObject(state)) throw fail('State node must be an object');
  const sections: ShadowUpdate['state'] = {};
  for (const [name, section] of Object.entries(state)) {
    if (name !== 'desired' && name !== 'reported') throw fail('State contains an invalid node');
    if (section !== null && !isJsonObject(section)) {
      throw fail(`${name === 'desired' ? 'Desired' : 'Reported'} node must be an object`);
    }
    const fault = section === null ? undefined : faultIn(section, limits.depth);
    if (fault === 'depth') {
      throw fail(`JSON contains too many levels of nesting; maximum is ${limits.depth}`);
    }
    if (fault) throw fail('State contains an invalid node');
    sections[name] = section;
  }
  if (bytesOf(sections) > limits.bytes) throw shadowRefusal.tooLarge(clientToken);
  return { state: sections, ...facts };
}

/**
 * The client token in the body of a get or delete, which may be empty.
 *
 * @throws ShadowError 400 and 415.
 */
export function parseToken(payload: Buffer, limits: ShadowLimits = SHADOW_LIMITS): string | undefined {
  return payload.length === 0 ? undefined : tokenOf(parseDocument(payload), limits);
}

/** UTF-8 bytes of a value as JSON. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function parseDocument(payload: Buffer): JsonObject {
  if (!isUtf8(payload)) {
    throw new ShadowError(415, 'Unsupported documented encoding; supported encoding is UTF-8');
  }
  let document: unknown;
  try {
    document = JSON.parse(payload.toString());
  } catch {
    throw new ShadowError(400, 'Invalid JSON');
  }
  if (!isJsonObject(document)) throw new ShadowError(400, 'Invalid JSON');
  return document;
}

function tokenOf({ clientToken }: JsonObject, limits: ShadowLimits): string | undefined {
  if (clientToken === undefined) return undefined;
  const isToken = typeof clientToken === 'string' && clientToken !== '';
  if (!isToken || Buffer.byteLength(clientToken) > limits.tokenBytes) {
    throw new ShadowError(400, 'Invalid clientToken');
  }
  return clientToken;
}

function isVersion(version: Json): version is number {
  return Number.isSafeInteger(version) && (version as number) >= 0;
}

/** Goes no deeper than it may: a peer's nesting must not be our recursion. */
function faultIn(value: Json, levels: number, inArray = false): 'depth' | 'node' | undefined {
  // Null takes a member away; in an array it would take nothing.
  if (value === null) return inArray ? 'node' : undefined;
  // Too large a number was read as infinity, which JSON cannot say.
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'node';
  if (typeof value !== 'object') return undefined;
  if (levels === 0) return 'depth';
  const isArray = Array.isArray(value);
  for (const each of isArray ? value : Object.values(value)) {
    const fault = faultIn(each, levels - 1, inArray || isArray);
    if (fault) return fault;
  }
  return undefined;
}
