import { CodedError, messageOf, readTextIfPresent } from '@ioto/runtime';
import { expandPath } from '../../../config-loading/directories.ts';
import { parseJson5, positionOf } from '../../../config-loading/json5.ts';
import { mayAnybody } from '../auth/roles.ts';
import { webError } from '../errors.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { WebContext } from '../web-context.ts';
import { type Bad, compileShape, isObject } from './shape.ts';
import { Signature, type SignatureRules } from './signature.ts';

/** The signatures of all actions. */
export interface SignatureBook {
  /** That of the action which a request is to; undefined where its route asks for none, or there is none. */
  find(request: WebRequest): Signature | undefined;
  /**
   * As `find`.
   *
   * @throws WEB_SIGNATURE where it is strict and there is none
   */
  of(request: WebRequest): Signature | undefined;
  /** Whether any of them is for who has signed in. */
  readonly asksForRoles: boolean;
}

/** Different things that are said of requests and answers: clients and programs could have more of them than anybody reads. */
const MOST_SAID = 256;

const BLOCK = ['request', 'query', 'response', 'role', 'task'];

/**
 * Reads the file of the signatures.
 *
 * @throws CONFIG_SYNTAX, CONFIG_INVALID naming file, line and column; what `complain` makes of a file that is not there
 */
export async function openSignatures(context: WebContext): Promise<SignatureBook> {
  const { web, directories, complain, roles, logger } = context;
  const file = expandPath(web.signatures.path, directories);
  const text = await readTextIfPresent(file).catch((error) => {
    throw complain(['signatures', 'path'], `${file} cannot be read: ${messageOf(error)}`);
  });
  if (text === undefined) throw complain(['signatures', 'path'], `there is no file ${file}`);
  const { strict } = web.signatures;
  const said = new Set<string>();
  const warn = (name: string, what: string) => {
    const line = `${name}: ${what}`;
    if (said.has(line) || said.size >= MOST_SAID) return;
    said.add(line);
    logger.warn({ action: name, what }, 'a request or an answer is not as its signature says');
  };
  const book = readBook(text, file, { strict, roles, warn });
  const find = ({ route, path }: WebRequest) => {
    if (!route.validate) return undefined;
    const name = path.slice(route.match.endsWith('/') ? route.match.length : route.match.length + 1);
    return book.get(name.replace(/\/$/, ''));
  };
  return {
    asksForRoles: [...book.values()].some(({ role }) => role !== undefined),
    find,
    of(request) {
      const found = find(request);
      if (found || !strict || !request.route.validate) return found;
      throw webError('WEB_SIGNATURE', `${request.path} has no signature`);
    },
  };
}

function readBook(text: string, file: string, rules: SignatureRules): Map<string, Signature> {
  const bad: Bad = (path, problem) => {
    const { line, column } = positionOf(text, path) ?? { line: 1, column: 1 };
    return new CodedError('CONFIG_INVALID', `${file}:${line}:${column}: ${path.join('.')}: ${problem}`);
  };
  const book = new Map<string, Signature>();
  const read = (entries: Record<string, unknown>, path: readonly string[]): void => {
    for (const [key, value] of Object.entries(entries)) {
      const place = [...path, key];
      if (!isObject(value)) throw bad(place, 'must be an object with request, query or response');
      const names = Object.keys(value);
      if (names.length > 0 && !names.some((name) => BLOCK.includes(name))) read(value, place);
      else book.set(nameOf(place), compile(value, place, rules, bad));
    }
  };
  read(parseJson5(text, file), []);
  return book;
}

function compile(
  block: Record<string, unknown>,
  path: readonly string[],
  rules: SignatureRules,
  bad: Bad,
): Signature {
  const unknown = Object.keys(block).find((name) => !BLOCK.includes(name) && name !== 'description');
  if (unknown !== undefined) throw bad([...path, unknown], `is none of ${BLOCK.join(', ')}`);
  const key = block.role === undefined ? 'task' : 'role';
  const role = block[key];
  if (
    role !== undefined &&
    (typeof role !== 'string' || (role !== 'public' && !mayAnybody(rules.roles, role)))
  ) {
    throw bad([...path, key], `no role of auth.roles is or may ${JSON.stringify(role)}`);
  }
  const shape = (name: string) => compileShape(block[name], [...path, name], bad);
  return new Signature(
    {
      name: nameOf(path),
      role: role === 'public' ? undefined : role,
      ...{ request: shape('request'), query: shape('query'), response: shape('response') },
    },
    rules,
  );
}

function nameOf(path: readonly string[]): string {
  return path.join('/').replace(/^\/+/, '');
}
