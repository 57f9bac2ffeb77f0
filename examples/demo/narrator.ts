import { formatClaimId } from '@ioto/protocol';
import { renderUnicodeCompact } from 'uqr';

export interface NarratorOptions {
  /** Where the story goes. */
  out: { write(text: string): void; isTTY?: boolean };
  /** Milliseconds of a monotonic clock. */
  now?: () => number;
}

/** Tells the life of a device: a line per step, with the time since the start. */
export class Narrator {
  readonly #out: NarratorOptions['out'];
  readonly #now: () => number;
  readonly #started: number;

  constructor({ out, now = () => performance.now() }: NarratorOptions) {
    this.#out = out;
    this.#now = now;
    this.#started = now();
  }

  /** A step that has been taken. */
  step(name: string, facts: string): void {
    const seconds = ((this.#now() - this.#started) / 1000).toFixed(2).padStart(6);
    this.#out.write(`${this.#dim(`${seconds}s`)}  ${this.#bold(name.padEnd(15))} ${facts}\n`);
  }

  /** The claim ID as the label of the device shows it: letters and a QR code. */
  label(id: string): void {
    const code = renderUnicodeCompact(id, { border: 2 });
    this.#out.write(`\n${indent(code)}\n         ${this.#bold(formatClaimId(id))}\n\n`);
  }

  line(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  #bold(text: string): string {
    return this.#out.isTTY ? `\x1b[1m${text}\x1b[22m` : text;
  }

  #dim(text: string): string {
    return this.#out.isTTY ? `\x1b[2m${text}\x1b[22m` : text;
  }
}

function indent(block: string): string {
  return block
    .split('\n')
    .map((line) => `         ${line}`)
    .join('\n');
}
