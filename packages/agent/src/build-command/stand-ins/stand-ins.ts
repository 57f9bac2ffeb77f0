import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** The agent and the packages that it is made of, in the repository or where they were installed. */
const OURS = /[\\/](?:packages|@ioto)[\\/](?:agent|database|protocol|runtime)[\\/](?:src|dist)[\\/]/;
/** The MQTT client and what it parses packets with. */
const MQTT = /[\\/]node_modules[\\/](?:mqtt|bl)[\\/]/;

interface StandIn {
  /** The module that is asked for. */
  of: string;
  /** Who gets the stand-in; everybody else gets the module itself, a product's own program for one. */
  askedBy: RegExp;
  /** A module of Node, or a file beside this one. */
  by: string;
}

/**
 * Small modules that a file gets in the place of large ones, of which the agent uses a little. What it costs to load the
 * large ones is most of the memory and of the start of an agent; `npm run bench -- agent` tells.
 */
const STAND_INS: readonly StandIn[] = [
  { of: 'typebox', askedBy: OURS, by: './typebox' },
  { of: 'typebox/value', askedBy: OURS, by: './typebox-value' },
  { of: 'pino', askedBy: OURS, by: './pino' },
  { of: 'mqtt', askedBy: OURS, by: './mqtt' },
  // Node's own streams, in the version that they had when they were copied.
  { of: 'readable-stream', askedBy: MQTT, by: 'node:stream' },
  { of: 'worker-timers', askedBy: MQTT, by: './worker-timers' },
];

export function standIns(): Plugin {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return {
    name: 'stand-ins',
    setup({ onResolve }) {
      for (const { of, askedBy, by } of STAND_INS) {
        onResolve({ filter: new RegExp(`^${of}$`) }, ({ importer }) => {
          if (!askedBy.test(importer)) return undefined;
          if (by.startsWith('node:')) return { path: by, external: true };
          return { path: fileURLToPath(new URL(`${by}.${ending}`, import.meta.url)) };
        });
      }
    },
  };
}
