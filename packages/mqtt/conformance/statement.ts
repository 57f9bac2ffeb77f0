/**
 * What becomes of a statement here: `held` by the server; `codec`: by what it parses and builds; `client`: it binds clients
 * only, and its proof, where there is one, is what the server does with those that break it; `moot`: it speaks of what the
 * server does not do; `deviation`: it is not held in every case, and the note says in which.
 */
export type Status = 'held' | 'codec' | 'client' | 'moot' | 'deviation';

/** A test that fails where the statement does not hold. */
export interface Proof {
  /** From the root of the repository. */
  readonly file: string;
  /** Title as a run tells it, or as it stands there with its `%`. */
  readonly test: string;
}

/** One numbered normative statement of the standard, in our words. */
export interface Statement {
  /** `MQTT-…` of 3.1.1, `MQTT5-…` of 5.0, where the standard has `MQTT-…`, too. */
  readonly id: string;
  readonly statement: string;
  readonly status: Status;
  readonly proof: readonly Proof[];
  readonly note?: string;
}

export interface Chapter {
  readonly title: string;
  /** In the order of the standard. */
  readonly statements: readonly Statement[];
}

type Proven = (id: string, statement: string, proof?: Proof[], note?: string) => Statement;
type Noted = (id: string, statement: string, note: string, proof?: Proof[]) => Statement;

const proven =
  (status: Status): Proven =>
  (id, statement, proof = [], note) => ({ id, statement, status, proof, note });

const noted =
  (status: Status): Noted =>
  (id, statement, note, proof = []) => ({ id, statement, status, proof, note });

export const held = proven('held');
export const codec = proven('codec');
export const client = proven('client');
export const moot = noted('moot');
export const deviation = noted('deviation');

export function inFile(file: string, test: string): Proof {
  return { file, test };
}

const inFolder = (folder: string) => (name: string, test: string) =>
  inFile(`packages/mqtt/src/${folder}/${name}.test.ts`, test);

export const inCodec = inFolder('codec');
export const inServer = inFolder('server');
export const inSession = inFolder('session');
export const inTopics = inFolder('topics');
