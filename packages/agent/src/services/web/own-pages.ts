import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AgentStatus } from '../../agent.ts';
import { namesLocally } from './host-name.ts';
import { type MetricsDoor, mayReadMetrics } from './metrics-door.ts';
import { sendText } from './request-path/send.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

export interface OwnPagesOptions {
  metrics: MetricsDoor;
  /** Names and addresses that the device was told to listen on. */
  names: readonly string[];
  headers: Readonly<Record<string, string>>;
  status: () => AgentStatus;
  /** The figures of the agent, in Prometheus' text format. */
  figures: () => string;
}

/** What the agent itself answers where the maker's site has nothing: claim page, status and figures. */
export class OwnPages {
  readonly #options: OwnPagesOptions;

  constructor(options: OwnPagesOptions) {
    this.#options = options;
  }

  /** Answers a GET or HEAD; false: it has no such page. */
  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { headers, figures } = this.#options;
    const send = (type: string, text: string, more: Record<string, string> = {}) =>
      sendText(
        response,
        200,
        { ...headers, ...more, 'content-type': type, 'cache-control': 'no-store' },
        text,
      );
    if (path === '/') {
      const policy = { 'content-security-policy': PAGE_POLICY };
      const { claimPage } = await import('./claim-page.ts');
      send('text/html; charset=utf-8', claimPage(this.#statusFor(request)), policy);
    } else if (path === '/api/status') {
      send('application/json', JSON.stringify(this.#statusFor(request)));
    } else if (path === '/api/claim.svg') {
      const { id } = this.#statusFor(request);
      if (id === undefined) return false;
      const { claimCode } = await import('./claim-page.ts');
      send('image/svg+xml', claimCode(id));
    } else if (path === '/metrics' && this.#mayReadMetrics(request)) {
      send(METRICS_TYPE, figures());
    } else return false;
    return true;
  }

  /** The claim ID is for whoever stands before an unclaimed device, and not for websites; afterwards it is nobody's business. */
  #statusFor({ headers }: IncomingMessage): AgentStatus {
    const { id, ...status } = this.#options.status();
    return status.claimed || !namesLocally(headers.host, this.#options.names) ? status : { ...status, id };
  }

  #mayReadMetrics(request: IncomingMessage): boolean {
    return mayReadMetrics(this.#options.metrics, request, this.#options.names);
  }
}
