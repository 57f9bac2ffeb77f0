import { isIP } from 'node:net';
import { CodedError } from '@ioto/runtime';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

const address = (description: string, rest: object = {}) =>
  Type.String({
    pattern: '^(\\[[0-9a-fA-F:.]+\\]|[^:\\s]+):\\d{1,5}$',
    maxLength: 300,
    description,
    ...rest,
  });

/**
 * Everything that can be set of an `ioto-cloud` process: validated, given its defaults and frozen by `cloudConfig`; the
 * reference page is made from it.
 */
export const CloudConfigSchema = Type.Object(
  {
    state: Type.String({ minLength: 1, default: '.ioto/cloud', description: 'directory of all state' }),
    roles: Type.Array(Type.Union([Type.Literal('builder'), Type.Literal('device-cloud')]), {
      minItems: 1,
      uniqueItems: true,
      default: ['builder', 'device-cloud'],
      description: 'a list of builder and device-cloud',
    }),
    listen: address('HOST:PORT of the one TLS port (port 0: a free one)', { default: '127.0.0.1:8443' }),
    host: Type.String({
      pattern:
        '^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$',
      default: 'localhost',
      description: 'DNS name that devices and people reach this process by',
    }),
    mqtt: Type.Optional(address('HOST:PORT that speaks MQTT whatever the ALPN')),
    mtls: Type.Optional(address('HOST:PORT that speaks HTTPS with client certificate whatever the ALPN')),
    workers: Type.Integer({
      minimum: 0,
      maximum: 64,
      default: 0,
      description: 'number of processes that do TLS, 0..64 (0: none beside this one)',
    }),
    builder: Type.Optional(
      Type.String({
        pattern: '^https?://',
        maxLength: 512,
        description: 'URL of the builder to use, with its /api',
      }),
    ),
    builderAuthority: Type.Optional(
      Type.String({ minLength: 1, description: 'PEM file of the authority that the builder is trusted by' }),
    ),
    cloudKeyFile: Type.Optional(
      Type.String({ minLength: 1, description: 'file with the cloud key that the builder gave' }),
    ),
    name: Type.String({
      minLength: 1,
      maxLength: 128,
      default: 'Device cloud',
      description: 'name of this cloud',
    }),
    type: Type.Union([Type.Literal('dedicated'), Type.Literal('hosted')], {
      default: 'dedicated',
      description: 'dedicated (one owner) or hosted (many)',
    }),
    region: Type.String({
      minLength: 1,
      maxLength: 64,
      default: 'local',
      description: 'region of this cloud',
    }),
    certificateLife: Type.Number({
      minimum: 0.0001,
      maximum: 20 * 365,
      default: 2 * 365,
      description:
        'days that a device certificate holds, 0.0001..7300; devices renew theirs after two thirds of them',
    }),
    logQuota: Type.Number({
      minimum: 0.001,
      maximum: 1_000_000,
      default: 10,
      description: 'GiB of packed logs that an account may keep on the disk, 0.001..1000000',
    }),
    schema: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'data schema of the devices, JSON5 in OneTable form: the same file as theirs',
      }),
    ),
  },
  { additionalProperties: false },
);

export type CloudConfig = Readonly<Static<typeof CloudConfigSchema>>;

/**
 * The whole configuration from what was given.
 *
 * @throws CONFIG_INVALID naming the option and what it should be.
 */
export function cloudConfig(given: Partial<CloudConfig>): CloudConfig {
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const config = Value.Default(CloudConfigSchema, present);
  if (!Value.Check(CloudConfigSchema, config)) {
    const first = Value.Errors(CloudConfigSchema, config)[0];
    const option = first?.instancePath.split('/')[1] ?? '';
    throw wrong(option, given[option as keyof CloudConfig]);
  }
  refuseImpossible(config);
  return Object.freeze(config);
}

function refuseImpossible(config: Static<typeof CloudConfigSchema>): void {
  for (const option of ['listen', 'mqtt', 'mtls'] as const) {
    const value = config[option];
    if (value !== undefined && parseAddress(value).port > 65_535) throw invalid(option, 'has no such port');
  }
  if (isIP(config.host) !== 0) throw invalid('host', 'must be a DNS name: devices do not accept an address');
  if (config.roles.includes('builder') || !config.roles.includes('device-cloud')) return;
  if (!config.builder)
    throw invalid('builder', 'is needed by a device cloud without the builder role: its URL');
  if (!config.cloudKeyFile) {
    throw invalid(
      'cloudKeyFile',
      'is needed to ask the builder: make one there with "ioto-cloud cloud create"',
    );
  }
}

/** What was given, beside what it should be in the words of the schema. */
function wrong(option: string, value: unknown): CodedError {
  const property = CloudConfigSchema.properties[option as keyof typeof CloudConfigSchema.properties];
  const { description = 'an option of ioto-cloud' } = (property ?? {}) as { description?: string };
  const shown = Array.isArray(value) ? value.join(',') : String(value ?? '');
  return invalid(option, `"${shown.slice(0, 100)}": expected ${description}`);
}

function invalid(option: string, problem: string): CodedError {
  const name = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return new CodedError('CONFIG_INVALID', `--${name} ${problem}`);
}

/** Host and port of `HOST:PORT`, `[IPv6]:PORT` included. */
export function parseAddress(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}
