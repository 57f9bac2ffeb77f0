import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { admitByRole } from '../auth/further-role.ts';
import type { Gate } from '../auth/gate.ts';
import { webError } from '../errors.ts';
import type { Handler } from '../request-path/handlers.ts';
import { sendJson } from '../request-path/send.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { WebContext } from '../web-context.ts';
import { keyNames } from './item-fields.ts';
import { type Asked, change, create, get, list, type Outcome, remove } from './item-verbs.ts';
import { type ShownModel, shownModel } from './shown-models.ts';

const READS = ['GET', 'HEAD'];

/** Routes of the database: lists at MODEL, items at MODEL/KEY… below the route. */
export function openRest(context: WebContext, gate: () => Promise<Gate>): Handler {
  const { headers, roles } = context;

  return async (request, response, admission) => {
    const database = context.database();
    if (!database) throw webError('WEB_BUSY', 'The database of the device is off');
    const [name = '', ...key] = partsBelow(request);
    const shown = shownModel(database, request.route, name);
    const isList = key.length === 0 && keyNames(shown.model).length > 0;
    requireMethod(request, response, shown, isList);
    const role = READS.includes(request.method) ? shown.read : shown.write;
    if (role && !(await admitByRole(role, { request, response, admission }, { gate, roles }))) return;
    const asked = { database, model: shown.model, method: request.method, headers: request.raw.headers };
    answer(request, response, await outcomeOf(asked, request, key, isList));
  };

  function answer(request: WebRequest, response: ServerResponse, outcome: Outcome): void {
    const { status, value, etag, address } = outcome;
    const about: OutgoingHttpHeaders = {
      ...headers,
      'cache-control': 'private, no-cache',
      ...(etag !== undefined && { etag }),
      ...(address !== undefined && { location: `${encodeURI(baseOf(request))}${address}` }),
    };
    if (value !== undefined) {
      sendJson(response, status, about, value);
      return;
    }
    response.writeHead(status, about);
    response.end();
  }
}

/** @throws errors of the database, which say with a status what was wrong */
async function outcomeOf(
  asked: Asked,
  request: WebRequest,
  key: readonly string[],
  isList: boolean,
): Promise<Outcome> {
  const { method, body } = request;
  if (method === 'DELETE') return remove(asked, key);
  if (!READS.includes(method)) {
    const sent = await body.json();
    return method === 'POST' ? create(asked, sent) : change(asked, key, sent);
  }
  return isList ? list(asked, new URLSearchParams(request.query)) : get(asked, key);
}

/** @throws WEB_METHOD, with the methods that there are in the header Allow */
function requireMethod(
  request: WebRequest,
  response: ServerResponse,
  { write, model }: ShownModel,
  isList: boolean,
): void {
  const ofItem = ['PUT', 'PATCH', 'DELETE'];
  const writes = isList ? ['POST'] : keyNames(model).length === 0 ? [...ofItem, 'POST'] : ofItem;
  const known = [...READS, ...(write === false ? [] : writes)].filter((each) =>
    request.route.methods.has(each),
  );
  if (known.includes(request.method)) return;
  response.setHeader('allow', known.join(', '));
  throw webError('WEB_METHOD', `${request.method} is none of the methods here: ${known.join(', ')}`);
}

/** The beginning of the path that is the route's, with its slash. */
function baseOf({ route: { match } }: WebRequest): string {
  return match.endsWith('/') ? match : `${match}/`;
}

function partsBelow(request: WebRequest): string[] {
  const parts = request.path.slice(baseOf(request).length).split('/');
  // A slash at the end names no further key.
  if (parts.at(-1) === '') parts.pop();
  return parts;
}
