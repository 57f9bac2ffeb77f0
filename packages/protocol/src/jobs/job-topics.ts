/** AWS IoT's topics of jobs, built and parsed here alone. */

/** What a device asks about its jobs. */
export type JobVerb = 'get' | 'start-next' | 'describe' | 'update';

/** In place of a job ID: whichever is next. */
export const NEXT_JOB = '$next';

const base = (thing: string) => `$aws/things/${thing}/jobs`;

export const jobTopic = {
  pending: (thing: string) => `${base(thing)}/get`,
  startNext: (thing: string) => `${base(thing)}/start-next`,
  describe: (thing: string, jobId: string) => `${base(thing)}/${jobId}/get`,
  update: (thing: string, jobId: string) => `${base(thing)}/${jobId}/update`,
  /** The pending jobs have changed. */
  notify: (thing: string) => `${base(thing)}/notify`,
  /** Another job is next. */
  notifyNext: (thing: string) => `${base(thing)}/notify-next`,
  /** Above them all. */
  root: base,
  /** Prefix of them all. */
  all: (thing: string) => `${base(thing)}/`,
};

/** What a device asks by the levels of a topic behind `…/jobs/`; undefined for what is no question. */
export function parseJobPath(path: readonly string[]): { verb: JobVerb; jobId?: string } | undefined {
  const [first, second, ...rest] = path;
  if (first === undefined || rest.length > 0) return undefined;
  if (second === undefined) {
    return first === 'get' || first === 'start-next' ? { verb: first } : undefined;
  }
  if (second === 'get') return { verb: 'describe', jobId: first };
  return second === 'update' ? { verb: 'update', jobId: first } : undefined;
}

/** What a topic below `jobTopic.all(thing)` that a device received is about. */
export function parseJobAnswer(
  thing: string,
  topic: string,
): { path: readonly string[]; outcome: 'accepted' | 'rejected' | 'notice' } | undefined {
  const prefix = jobTopic.all(thing);
  if (!topic.startsWith(prefix)) return undefined;
  const path = topic.slice(prefix.length).split('/');
  const last = path.at(-1);
  if (last !== 'accepted' && last !== 'rejected') return { path, outcome: 'notice' };
  return { path: path.slice(0, -1), outcome: last };
}
