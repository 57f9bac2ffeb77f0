export { type ApiAnswer, type ApiCall, callApi } from './api-call.ts';
export { type Fate, HttpsFront, type HttpsFrontOptions, type PassedCall } from './faults/https-front.ts';
export { TcpProxy, type Weather } from './faults/tcp-proxy.ts';
export { type RawOutcome, type RawScript, type RawTarget, sendRaw } from './hostile/raw-client.ts';
export { type Behaviour, TlsImpostor } from './hostile/tls-impostor.ts';
export { memoryConnection } from './memory-duplex.ts';
export { newId } from './new-id.ts';
export * from './old-agent/index.ts';
export { connectPacket, pubackPacket, publishPacket, subscribePacket } from './old-agent/packets.ts';
export { DeviceFiles, type DeviceFilesOptions } from './programs/agent-program.ts';
export { CloudProgram, type CloudProgramOptions } from './programs/cloud-program.ts';
export { dyingAfterWrite } from './programs/die-after-write.ts';
export { freePort } from './programs/free-port.ts';
export {
  type Exit,
  type Finished,
  Program,
  type ProgramName,
  type ProgramOptions,
  runProgram,
} from './programs/program.ts';
export { TempDirectory } from './programs/temp-directory.ts';
export { Site, type SiteOptions, type SiteOwner } from './site.ts';
export { type IssuedCertificate, type IssueOptions, TestAuthority } from './test-authority.ts';
export { until } from './until.ts';
export { settle, VirtualClock } from './virtual-clock.ts';
