import type { Sending } from './item-sender.ts';

/** Deliveries to one device that a sync down has under way at a time: far below what a session may queue. */
const MOST_SENDINGS = 64;
/** Bytes of them; one more message may go while they are fewer. A session may queue four times as many. */
const MOST_BYTES = 1024 * 1024;

/** Deliveries under way to one device, of which there is room for some only: the next waits for an acknowledgement. */
export class DeliveryWindow {
  #sendings = 0;
  #bytes = 0;
  #broken = false;
  #wake: (() => void) | undefined;

  /** Resolves when one more may go: with false, at once, when one was not delivered or the window was closed. */
  room(): Promise<boolean> {
    return this.#until(() => this.#sendings < MOST_SENDINGS && this.#bytes < MOST_BYTES);
  }

  /** Resolves when every delivery has ended: with false, at once, as `room` does. */
  settled(): Promise<boolean> {
    return this.#until(() => this.#sendings === 0);
  }

  add({ bytes, outcome }: Sending): void {
    this.#sendings += 1;
    this.#bytes += bytes;
    void outcome.then((delivery) => {
      this.#sendings -= 1;
      this.#bytes -= bytes;
      if (delivery === 'acknowledged') this.#wake?.();
      else this.close();
    });
  }

  /** Nothing more is to go. */
  close(): void {
    this.#broken = true;
    this.#wake?.();
  }

  async #until(reached: () => boolean): Promise<boolean> {
    while (!this.#broken && !reached()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return !this.#broken;
  }
}
