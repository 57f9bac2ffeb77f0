import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** This cloud's own registry, so that several clouds in one process do not mix, and what everybody counts in it. */
export class Metrics {
  readonly registry = new Registry();
  readonly #answers = new Histogram({
    name: 'ioto_http_request_seconds',
    help: 'Seconds from request to answer, by route and status',
    labelNames: ['route', 'status'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
    registers: [this.registry],
  });
  readonly #refused = new Counter({
    name: 'ioto_connections_refused_total',
    help: 'Connections that were closed before they reached HTTP or MQTT, by reason',
    labelNames: ['reason'],
    registers: [this.registry],
  });

  constructor() {
    this.gauge('process_resident_memory_bytes', 'Resident memory of the process', () =>
      process.memoryUsage.rss(),
    );
    this.gauge('process_heap_bytes', 'Used heap of the process', () => process.memoryUsage().heapUsed);
    this.gauge('process_uptime_seconds', 'Seconds since the process started', () => process.uptime());
    this.gauge('process_cpu_seconds_total', 'Seconds of processor time', () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
  }

  /** A value that is asked for when somebody reads the metrics. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** A total that somebody else counts, asked for when somebody reads the metrics. */
  total(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  /** Totals that somebody else counts, each under a value of `label`. */
  totals(
    name: string,
    help: string,
    label: string,
    read: () => Readonly<Partial<Record<string, number>>>,
  ): void {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [value, total] of Object.entries(read())) this.inc({ [label]: value }, total);
      },
    });
  }

  counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  answered(route: string, status: number, seconds: number): void {
    this.#answers.observe({ route, status: String(status) }, seconds);
  }

  refused(reason: string): void {
    this.#refused.inc({ reason });
  }
}
