export { type Cloud, type CloudAccess, type CloudOptions, createCloud } from './build-cloud.ts';
export { type CloudConfig, CloudConfigSchema, cloudConfig } from './config.ts';
export type { FirstLogin } from './identity/first-login.ts';
