/** What is wanted of a thermostat. */
export interface Wanted {
  /** Degrees Celsius. */
  target: number;
  /** Three degrees less at night. */
  night: boolean;
}

export interface Reading {
  /** Milliseconds since 1970. */
  time: number;
  /** Degrees Celsius. */
  temperature: number;
  target: number;
  heating: boolean;
}

/** Readings that are kept: ten minutes, one a second. */
const KEPT = 600;
const OUTSIDE = 12;

/** A room with a heater, made up: a product reads a sensor here. */
export class Thermostat {
  readonly readings: Reading[] = [];
  #temperature = 18;
  #heating = false;

  /** One second passes. */
  step({ target, night }: Wanted, now: Date): Reading {
    const isNight = now.getHours() >= 22 || now.getHours() < 6;
    const aim = night && isNight ? target - 3 : target;
    if (this.#temperature < aim - 0.3) this.#heating = true;
    if (this.#temperature > aim + 0.3) this.#heating = false;
    const drift = (OUTSIDE - this.#temperature) * 0.002 + (this.#heating ? 0.08 : 0);
    this.#temperature += drift + (Math.random() - 0.5) * 0.04;
    const reading = {
      time: now.getTime(),
      temperature: Math.round(this.#temperature * 100) / 100,
      target: aim,
      heating: this.#heating,
    };
    this.readings.push(reading);
    if (this.readings.length > KEPT) this.readings.shift();
    return reading;
  }
}
