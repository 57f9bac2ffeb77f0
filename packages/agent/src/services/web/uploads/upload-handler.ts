import type { ServerResponse } from 'node:http';
import { webError } from '../errors.ts';
import type { Handler } from '../request-path/handlers.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import { guardingRoute } from '../routing/route.ts';
import type { FileHandler } from '../static-files/file-handler.ts';
import { answerWrite, done } from '../static-files/write-answer.ts';
import type { Upload } from '../web-api.ts';
import type { WebContext } from '../web-context.ts';

/**
 * Routes of uploads: a PUT or POST puts its body into the documents, as the file at its path; a form puts its files into the
 * directory at its path, by their own names. What lies there is fetched as from a route of files.
 */
export function openUploads({ headers, routes, web }: WebContext, files: FileHandler): Handler {
  return async (request, response) => {
    if (request.isSafe) return files.answer(request, response);
    const path = request.path.slice(request.route.trim);
    const writer = await files.writer();
    if (request.body.type !== 'multipart/form-data' || request.method === 'DELETE') {
      return answerWrite(path, request, response, { writer, headers });
    }
    await putFiles(path, request, response);
  };

  async function putFiles(path: string, request: WebRequest, response: ServerResponse): Promise<void> {
    const writer = await files.writer();
    const { files: uploads } = await request.body.uploads();
    if (uploads.length === 0) throw webError('WEB_BODY_SYNTAX', 'The form has no file');
    const places = placesOf(path, uploads);
    // All may come in before the first does.
    for (const place of places.keys()) {
      requireOwn(place, request);
      await writer.check(place, request);
    }
    let isNew = false;
    for (const [place, upload] of places) isNew = (await writer.put(place, upload.path, request)) || isNew;
    done(response, isNew ? 201 : 204, headers);
  }

  /** The name of a file may lead to what another route guards. */
  function requireOwn(place: string, { route, path }: WebRequest): void {
    const guard = guardingRoute(routes, `${path.slice(0, route.trim)}${place}`, web.index);
    if (guard !== route && guard.role !== undefined && guard.role !== route.role) {
      throw webError('WEB_ROLE', `this needs the role ${guard.role}`);
    }
  }
}

/** Paths of the documents by what goes there. */
function placesOf(path: string, uploads: readonly Upload[]): Map<string, Upload> {
  const [first] = uploads;
  if (!path.endsWith('/') && first && uploads.length === 1) return new Map([[path, first]]);
  if (!path.endsWith('/')) throw webError('WEB_CONFLICT', 'Several files go to a path that ends in a slash');
  const places = new Map<string, Upload>();
  for (const upload of uploads) {
    const { name } = upload;
    if (name.startsWith('.'))
      throw webError('WEB_BODY_SYNTAX', 'The name of a file must not begin with a dot');
    if (places.has(path + name)) throw webError('WEB_CONFLICT', 'Two files of the form have the same name');
    places.set(path + name, upload);
  }
  return places;
}
