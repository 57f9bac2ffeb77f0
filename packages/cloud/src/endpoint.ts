/** The parts of the device endpoint, for those who put one together without the rest of a cloud. */
export { FrontDoor, type FrontDoorOptions } from './front-door/front-door.ts';
export { LmdbSessionStore } from './platform/embedded/lmdb-session-store.ts';
export { TlsWorkers, type TlsWorkersOptions } from './tls-workers/tls-workers.ts';
