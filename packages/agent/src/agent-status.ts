import type { Emitter } from '@ioto/runtime';
import type { AgentPhase, AgentStatus } from './agent.ts';
import type { AgentEvents } from './agent-events.ts';

/** What an agent's events add up to. */
export class StatusBoard {
  #phase: AgentPhase = 'stopped';
  #id: string | undefined;
  #problem: AgentStatus['problem'];
  #claimed = false;
  #provisioned = false;
  name: string | undefined;

  constructor(events: Emitter<AgentEvents>) {
    events.on('device:serialized', ({ id }) => {
      this.#id = id;
    });
    events.on('device:registered', ({ claimed }) => {
      this.#problem = undefined;
      if (!claimed && !this.#provisioned) this.#phase = 'registered';
    });
    events.on('device:waiting', () => {
      this.#problem = undefined;
    });
    events.on('device:claimed', () => {
      this.#problem = undefined;
      this.#claimed = true;
      if (!this.#provisioned) this.#phase = 'claimed';
    });
    events.on('device:provisioned', () => {
      this.#provisioned = true;
      this.#problem = undefined;
      this.#phase = 'provisioned';
    });
    events.on('device:released', () => {
      this.#claimed = false;
      this.#provisioned = false;
      this.#phase = 'local';
    });
    events.on('mqtt:connected', () => {
      this.#problem = undefined;
      this.#phase = 'connected';
    });
    events.on('cloud:ready', () => {
      this.#phase = 'ready';
    });
    events.on('mqtt:disconnected', () => {
      this.#phase = this.#provisioned ? 'provisioned' : this.#phase;
    });
    events.on('cloud:retry', ({ code, message }) => {
      this.#problem = { code, message };
    });
  }

  /** Takes over what an earlier run of the agent has stored. */
  begin(stored: { claimed: boolean; provisioned: boolean }): void {
    this.#claimed = stored.claimed;
    this.#provisioned = stored.provisioned;
    this.#phase = stored.provisioned ? 'provisioned' : stored.claimed ? 'claimed' : 'local';
  }

  set phase(phase: AgentPhase) {
    this.#phase = phase;
  }

  get now(): AgentStatus {
    const connected = this.#phase === 'connected' || this.#phase === 'ready';
    return {
      phase: this.#phase,
      id: this.#id,
      name: this.name,
      claimed: this.#claimed,
      connected,
      problem: this.#problem,
    };
  }
}
