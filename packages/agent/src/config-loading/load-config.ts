import { existsSync } from 'node:fs';
import { isClaimId, parseTypedClaimId } from '@ioto/protocol';
import { CodedError, messageOf } from '@ioto/runtime';
import type { AgentOptions } from '../agent.ts';
import type { AgentSettings } from '../config.ts';
import { blend, blendConditional, isProperties, type Properties } from './blend.ts';
import { checkAddresses } from './check-addresses.ts';
import { configDirectory, type Directories, layOutDirectories } from './directories.ts';
import { type Layer, readLayers, sourceOf } from './layers.ts';
import { invalid, type Locate, makeSettings, unreadProperties } from './settings.ts';

export interface LoadedConfig {
  settings: AgentSettings;
  directories: Directories;
  /** Where a setting was set, for a service that finds fault with it. */
  locate: Locate;
  /** Properties that nothing reads, each after its place: `FILE:LINE:COLUMN: web.lisen`. */
  unread: readonly string[];
}

/**
 * Where everything lies. Only the maker's files are read for it, so that the state directory can be locked before
 * what it holds is read.
 *
 * @throws CONFIG_SYNTAX, CONFIG_UNREADABLE, CONFIG_MISSING.
 */
export async function locateDirectories(options: AgentOptions): Promise<Directories> {
  if (options.config !== undefined && !existsSync(options.config)) {
    throw new CodedError('CONFIG_MISSING', `--config ${options.config}: there is no such directory`);
  }
  const directory = configDirectory(options);
  const layers = directory === undefined ? [] : await readLayers([directory], options.ioto);
  return layOutDirectories(options, blendLayers(layers, options));
}

/**
 * Reads the configuration in the contract's order, blends the options over it and checks the whole.
 *
 * @throws CONFIG_SYNTAX, CONFIG_UNREADABLE, CONFIG_INVALID, each with file, line and column where there is a file.
 */
export async function loadConfig(options: AgentOptions, directories: Directories): Promise<LoadedConfig> {
  const layers = await readLayers([directories.config, directories.stateConfig], options.ioto);
  const locate: Locate = (path) => placeOf(path, layers, options.settings);
  const properties = blendLayers(layers, options);
  const device = checkDevice(properties.device, options.id, locate);
  const settings = makeSettings({ ...properties, device }, locate);
  checkAddresses(settings, directories, locate);
  const unread = unreadProperties(properties).map((path) => `${locate(path)}: ${path.join('.')}`);
  return { settings, directories, locate, unread };
}

/** Where a property is set; of one that is missing, where what it is missing from is. */
function placeOf(path: readonly string[], layers: readonly Layer[], asked: unknown): string {
  for (let length = path.length; length > 0; length -= 1) {
    const part = path.slice(0, length);
    if (isAt(part, asked)) return 'options';
    const place = sourceOf(layers, part);
    if (place !== undefined) return place;
  }
  return 'options';
}

function isAt(path: readonly string[], properties: unknown): boolean {
  let value = properties;
  for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
  return value !== undefined;
}

function blendLayers(layers: readonly Layer[], options: AgentOptions): Properties {
  const profile = profileOf(layers, options);
  let result: Properties = {};
  for (const { section, value } of layers) {
    const layer = section === undefined ? value : sectionLayer(section, value);
    result = blendConditional(result, layer, profile);
  }
  result = blendConditional(result, options.settings ?? {}, profile);
  return blend(blend(result, optionProperties(options)), { profile });
}

/** A file of one section may have conditional sets too; they are of the section. */
function sectionLayer(section: string, { conditional, ...plain }: Properties): Properties {
  if (!isProperties(conditional)) return { [section]: plain };
  const sets = Object.entries(conditional).map(([property, named]) => [
    property,
    Object.fromEntries(Object.entries(named ?? {}).map(([name, set]) => [name, { [section]: set }])),
  ]);
  return { [section]: plain, conditional: Object.fromEntries(sets) };
}

function profileOf(layers: readonly Layer[], { profile, environment = {}, settings }: AgentOptions): string {
  const fromFiles = layers.filter(({ section }) => section === undefined).map(({ value }) => value.profile);
  const candidates = [
    profile,
    environment.IOTO_PROFILE,
    environment.PROFILE,
    settings?.profile,
    ...fromFiles.reverse(),
  ];
  return candidates.find((each): each is string => typeof each === 'string' && each !== '') ?? 'dev';
}

function optionProperties({ product, account, cloud, builder }: AgentOptions): Properties {
  return { device: { product, account, cloud }, api: { builder } };
}

/** Reads `claim` as `id` and brings the ID into its exact form; one that was asked for goes before the file's. */
function checkDevice(device: unknown, asked: string | undefined, locate: Locate): unknown {
  const properties = isProperties(device) ? device : {};
  if (asked !== undefined) return { ...properties, id: exactId(asked, (reason) => optionError(reason)) };
  const { id, claim } = properties;
  if (id && claim && !sameId(id, claim)) {
    throw invalid(
      ['device', 'claim'],
      locate,
      'differs from id, and both name the claim ID: keep one of them',
    );
  }
  const given = id || claim;
  if (typeof given !== 'string' || given === '') return device ?? {};
  const name = id ? 'id' : 'claim';
  return { ...properties, id: exactId(given, (reason) => invalid(['device', name], locate, reason)) };
}

function exactId(given: string, refuse: (reason: string) => CodedError): string {
  try {
    return isClaimId(given) ? given : parseTypedClaimId(given);
  } catch (error) {
    throw refuse(messageOf(error));
  }
}

function optionError(reason: string): CodedError {
  return new CodedError('CONFIG_INVALID', `--id: ${reason}`);
}

function sameId(left: unknown, right: unknown): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  try {
    return parseTypedClaimId(left) === parseTypedClaimId(right);
  } catch {
    return left === right;
  }
}
