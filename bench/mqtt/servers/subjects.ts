import { mosquitto } from './mosquitto.ts';
import { nodeServer, type Subject } from './server.ts';

export const ioto: Subject = {
  name: 'ioto',
  start: (pems) => nodeServer('ioto', 'ioto-process.ts', pems),
};

export const aedes: Subject = {
  name: 'aedes',
  start: (pems) => nodeServer('aedes', 'aedes-process.ts', pems),
};

export const bareNode: Subject = {
  name: 'bare Node',
  start: (pems) => nodeServer('bare Node', 'bare-node-process.ts', pems),
};

/** Our endpoint with its sessions on disk in `directory`. */
export function iotoOnDisk(directory: string): Subject {
  return {
    name: 'ioto on disk',
    start: (pems) => nodeServer('ioto on disk', 'ioto-process.ts', pems, { sessions: directory }),
  };
}

/** Our endpoint with TLS in processes of their own. */
export function iotoWithWorkers(workers: number): Subject {
  const name = `ioto, ${workers} TLS ${workers === 1 ? 'worker' : 'workers'}`;
  return { name, start: (pems) => nodeServer(name, 'ioto-process.ts', pems, { workers }) };
}

export { mosquitto };
