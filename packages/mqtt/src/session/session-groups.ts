/** How many sessions each group has, as `hooks.sessionGroup` names them; a session of no group is not counted. */
export class SessionGroups {
  /** Those that have sessions. */
  readonly #sizes = new Map<string, number>();

  sizeOf(group: string | undefined): number {
    return group === undefined ? 0 : (this.#sizes.get(group) ?? 0);
  }

  join(group: string | undefined): void {
    if (group !== undefined) this.#sizes.set(group, this.sizeOf(group) + 1);
  }

  /** To be called once for each session that had joined. */
  leave(group: string | undefined): void {
    if (group === undefined) return;
    const left = this.sizeOf(group) - 1;
    if (left > 0) this.#sizes.set(group, left);
    else this.#sizes.delete(group);
  }
}
