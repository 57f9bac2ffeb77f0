export { type FleetIdentity, makeFleetIdentities } from './identities.ts';
export { type FleetSite, fleetHttp, postJson, SimulatedDevice } from './simulated-device.ts';
