/** What the first frame of every file says. */
export interface Head {
  readonly format: 'ioto-database';
  readonly version: 1;
  /** Made with the database: files of different databases do not mix. */
  readonly id: string;
  readonly kind: 'snapshot' | 'journal';
  /** Of a snapshot, the first journal to replay over it. */
  readonly generation: number;
  /** The number that the first frame of that journal has. */
  readonly number: number;
  /** The latest change when the file was begun. */
  readonly seq: number;
}

export function encodeHead(head: Omit<Head, 'format' | 'version'>): string {
  return JSON.stringify({ format: 'ioto-database', version: 1, ...head });
}

/** Undefined for what is no head of this format and version. */
export function decodeHead(text: string): Head | undefined {
  try {
    const head = JSON.parse(text) as Partial<Head> | null;
    const valid =
      head?.format === 'ioto-database' &&
      head.version === 1 &&
      typeof head.id === 'string' &&
      (head.kind === 'snapshot' || head.kind === 'journal') &&
      Number.isSafeInteger(head.generation) &&
      Number.isSafeInteger(head.number) &&
      Number.isSafeInteger(head.seq);
    return valid ? (head as Head) : undefined;
  } catch {
    return undefined;
  }
}
