import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, readTextIfPresent, systemCode } from '@ioto/runtime';
import { isProperties, type Properties } from './blend.ts';
import { parseJson5, positionOf } from './json5.ts';

/** One configuration file as it was read. */
export interface Layer {
  file: string;
  text: string;
  /** The property that the file's content stands under; undefined for the top. */
  section: string | undefined;
  value: Properties;
}

/** Ioto contract §2: later wins; local.json5 comes again at the end so that a developer's own settings do. */
const LOAD_ORDER: readonly { name: string; section?: string }[] = [
  { name: 'ioto' },
  { name: 'local' },
  { name: 'web', section: 'web' },
  { name: 'device', section: 'device' },
  { name: 'provision', section: 'provision' },
  { name: 'local' },
];

/**
 * Reads the files of `directories` in load order; for each name the later directory wins. Missing files are skipped.
 *
 * @param main Stands for the ioto.json5 of the first directory.
 */
export async function readLayers(directories: readonly string[], main?: string): Promise<Layer[]> {
  const layers: Layer[] = [];
  const listed = await Promise.all([...new Set(directories)].map(list));
  for (const { name, section } of LOAD_ORDER) {
    for (const { directory, names } of listed) {
      if (name === 'ioto' && main !== undefined && directory === directories[0]) {
        layers.push(await readMain(main));
        continue;
      }
      const layer = await readLayer(directory, names, name, section);
      if (layer) layers.push(layer);
    }
  }
  return layers;
}

/** What a directory holds: looking for each file by its name, most of which are missing, takes longer. */
async function list(directory: string): Promise<{ directory: string; names: ReadonlySet<string> }> {
  try {
    return { directory, names: new Set(await readdir(directory)) };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return { directory, names: new Set() };
    throw unreadable(directory, error);
  }
}

async function readMain(file: string): Promise<Layer> {
  const text = await readConfigText(file);
  if (text === undefined) throw new CodedError('CONFIG_MISSING', `--ioto ${file}: there is no such file`);
  return { file, text, section: undefined, value: parseJson5(text, file) };
}

async function readLayer(
  directory: string,
  names: ReadonlySet<string>,
  name: string,
  section?: string,
): Promise<Layer | undefined> {
  for (const extension of ['json5', 'json']) {
    if (!names.has(`${name}.${extension}`)) continue;
    const file = join(directory, `${name}.${extension}`);
    const text = await readConfigText(file);
    if (text === undefined) continue;
    const value = parseJson5(text, file);
    return { file, text, section, value: section === undefined ? value : unwrapped(section, value) };
  }
  return undefined;
}

/** A file of one section may also name the section, as web.json5 does that has `{ web: {…}, tls: {…} }`. */
function unwrapped(section: string, { [section]: inner, ...beside }: Properties): Properties {
  return isProperties(inner)
    ? { ...beside, ...inner }
    : { ...beside, ...(inner !== undefined && { [section]: inner }) };
}

async function readConfigText(file: string): Promise<string | undefined> {
  try {
    return await readTextIfPresent(file);
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') return undefined;
    throw unreadable(file, error);
  }
}

function unreadable(path: string, error: unknown): CodedError {
  return new CodedError('CONFIG_UNREADABLE', `${path}: cannot be read (${systemCode(error)})`, {
    cause: error,
  });
}

/** `FILE:LINE:COLUMN` of the file that set the property at `path` last, conditional sets included. */
export function sourceOf(layers: readonly Layer[], path: readonly (string | number)[]): string | undefined {
  for (const layer of [...layers].reverse()) {
    if (layer.section !== undefined && layer.section !== path[0]) continue;
    const inFile = layer.section === undefined ? path : path.slice(1);
    const wrapped = layer.section === undefined ? [] : [path];
    for (const candidate of [...conditionalPaths(layer, inFile), inFile, ...wrapped]) {
      const position = positionOf(layer.text, candidate);
      if (position) return `${layer.file}:${position.line}:${position.column}`;
    }
  }
  return undefined;
}

function conditionalPaths(layer: Layer, path: readonly (string | number)[]): (string | number)[][] {
  const conditional = layer.value.conditional;
  if (typeof conditional !== 'object' || conditional === null) return [];
  return Object.entries(conditional).flatMap(([property, sets]) =>
    Object.keys(sets ?? {}).map((set) => ['conditional', property, set, ...path]),
  );
}
