import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OwnPages } from '../own-pages.ts';
import { lazily } from '../request-path/handlers.ts';
import { NOT_FOUND, sendRefusal, sendText } from '../request-path/send.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { WebContext } from '../web-context.ts';
import { answerFile } from './file-answer.ts';
import { KeptAnswers } from './kept-answers.ts';
import type { SiteFiles } from './site-files.ts';

/** Routes of files: the documents, then the agent's own pages. */
export class FileHandler {
  readonly #context: WebContext;
  readonly #files: SiteFiles;
  readonly #pages: OwnPages;
  readonly #kept: KeptAnswers;
  /** Times that something was written. */
  #writes = 0;
  /** Who writes the documents, loaded when somebody first does. */
  readonly writer = lazily(async () => {
    const { DocumentWriter } = await import('./document-writer.ts');
    return new DocumentWriter(this.#files, () => this.forget());
  });

  constructor(context: WebContext, files: SiteFiles, pages: OwnPages) {
    this.#context = context;
    this.#files = files;
    this.#pages = pages;
    this.#kept = new KeptAnswers(context.clock, {
      maxHeaders: context.web.limits.headers,
      bodies: files.cache,
    });
  }

  /** Answers, where that can be done at once; false: not answered. */
  answersAtOnce(request: IncomingMessage, response: ServerResponse): boolean {
    return this.#kept.answer(request, response);
  }

  /** Something of the documents was written. */
  forget(): void {
    this.#writes += 1;
    this.#kept.forget();
  }

  async answer(request: WebRequest, response: ServerResponse): Promise<void> {
    const { headers, clock } = this.#context;
    const { route, path, query, raw, method } = request;
    if (method === 'PUT' || method === 'DELETE') return this.#write(request, response);
    const writes = this.#writes;
    const found = await this.#files.find({
      path: path.slice(route.trim),
      ...(route.compressed && { acceptEncoding: raw.headers['accept-encoding'] }),
    });
    if (!found) {
      if (await this.#pages.answer(path, raw, response)) return;
      return sendRefusal(response, NOT_FOUND, headers);
    }
    if ('directory' in found) {
      // The handler does not see what the route takes away, and the client does.
      const location = `${encodePath(`${path.slice(0, route.trim)}${found.directory}`)}${query && `?${query}`}`;
      return sendText(response, 301, { ...headers, location }, '');
    }
    const kept = await answerFile(found, raw, response, {
      headers,
      cacheControl:
        route.cacheControl(found.path) ?? (route.role === undefined ? 'no-cache' : 'private, no-cache'),
      varies: route.compressed,
      now: clock.now(),
    });
    // What depends on what a client accepts has no one answer; what not everybody may have is nobody's to find here.
    // And a page with the token of a session is that session's.
    const isAnybodys = !route.compressed && route.role === undefined && !route.xsrf;
    // A target that names a host is looked at each time: it has to be the same as that of the request.
    const target = raw.url ?? '';
    if (kept && isAnybodys && writes === this.#writes && target.startsWith('/'))
      this.#kept.keep(target, kept);
  }

  async #write(request: WebRequest, response: ServerResponse): Promise<void> {
    const { answerWrite } = await import('./write-answer.ts');
    const { headers } = this.#context;
    const path = request.path.slice(request.route.trim);
    await answerWrite(path, request, response, { writer: await this.writer(), headers });
  }
}

/** A decoded path as a target. */
function encodePath(path: string): string {
  return encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23');
}
