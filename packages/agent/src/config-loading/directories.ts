import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Properties } from './blend.ts';
import { isProperties } from './blend.ts';

/** Absolute paths of the places that settings name with `@` (Ioto contract §2). */
export interface Directories {
  /** `@config`: read, never written. */
  config: string;
  /** `@state`: everything the agent writes. */
  state: string;
  /** `@state/config`: device.json5 and provision.json5. */
  stateConfig: string;
  certs: string;
  db: string;
  site: string;
}

export interface DirectoryOptions {
  config?: string;
  ioto?: string;
  state?: string;
}

/** The directory of the maker's configuration: named, else `.` when ioto.json5 lies there, else none but the state's own. */
export function configDirectory(options: DirectoryOptions): string | undefined {
  if (options.config !== undefined) return resolve(options.config);
  if (options.ioto !== undefined) return dirname(resolve(options.ioto));
  return ['ioto.json5', 'ioto.json'].some((file) => existsSync(file)) ? resolve('.') : undefined;
}

/** Lays out all directories from the options and the `directories` setting of the maker's configuration. */
export function layOutDirectories(options: DirectoryOptions, settings: Properties): Directories {
  const named = isProperties(settings.directories) ? settings.directories : {};
  const name = (key: string) => (typeof named[key] === 'string' ? named[key] : undefined);
  const state = resolve(options.state ?? name('state') ?? 'state');
  const stateConfig = join(state, 'config');
  const places = { state, config: configDirectory(options) ?? stateConfig };
  const place = (key: string) => expandPath(name(key) ?? `@state/${key}`, places);
  return { ...places, stateConfig, certs: place('certs'), db: place('db'), site: place('site') };
}

/** The absolute path of one that may begin with `@state`, `@config`, …; a relative one counts from the working directory. */
export function expandPath(path: string, directories: Partial<Directories>): string {
  const match = /^@(\w+)(?:\/(.*))?$/.exec(path);
  const base = match?.[1] === undefined ? undefined : directories[match[1] as keyof Directories];
  return base === undefined ? resolve(path) : join(base, match?.[2] ?? '');
}

/** `database.path` names the main file within `@db`; the database adds its own endings. */
export function databaseName(path: string): string {
  return path.replace(/\.db$/, '');
}

/** The device's shadows, within `@db`. */
export const SHADOW_FILE = 'shadow.json5';
