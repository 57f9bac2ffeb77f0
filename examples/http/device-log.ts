export interface LogLine {
  /** Milliseconds since 1970. */
  time: number;
  text: string;
}

const KEPT = 200;

/** What has happened on the device, the last lines of it. */
export class DeviceLog {
  readonly lines: LogLine[] = [];
  #told: (line: LogLine) => void = () => undefined;

  onLine(told: (line: LogLine) => void): void {
    this.#told = told;
  }

  write(text: string): void {
    const line = { time: Date.now(), text };
    this.lines.push(line);
    if (this.lines.length > KEPT) this.lines.shift();
    this.#told(line);
  }
}
