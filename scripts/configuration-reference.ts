import { agentSchema } from '@ioto/agent';
import { CloudConfigSchema } from '@ioto/cloud';

/** The part of a JSON Schema that the reference tells. */
interface Property {
  type?: string;
  const?: unknown;
  anyOf?: Property[];
  items?: Property;
  properties?: Record<string, Property>;
  patternProperties?: Record<string, Property>;
  required?: string[];
  default?: unknown;
  description?: string;
  unit?: string;
  minimum?: number;
  maximum?: number;
}

/** `docs/configuration.md`, made from the schemas that validate the files and options, so that it cannot be out of date. */
export function configurationReference(): string {
  return `# Configuration

Made from the schemas in \`packages/agent/src/config.ts\` and \`packages/cloud/src/config.ts\` by \`npm run docs\`; a test
holds it to them.

## The agent's files

JSON5, read in this order, later wins: \`ioto.json5\`, \`local.json5\`, \`web.json5\` (as \`web\`), \`device.json5\` (as
\`device\`), \`provision.json5\` (as \`provision\`), \`local.json5\` again. Where a \`.json5\` is missing, \`.json\` is read.

\`@config\` is \`--config DIR\`, else \`.\` when \`ioto.json5\` lies there, else \`@state/config\`; it is only read. \`@state\` is
\`--state DIR\`, else \`directories.state\`, else \`state\`; all that the agent writes lies there, mode 0600:
\`config/device.json5\`, \`config/provision.json5\`, \`certs/\`, \`db/\`. What lies in \`@state/config\` is read after \`@config\`.

\`conditional: { profile: { dev: { … }, prod: { … } } }\` blends the set whose name equals the property; \`profile\` comes from
\`--profile\`, then \`IOTO_PROFILE\` or \`PROFILE\`, then the file.

Times are \`'15secs'\`, \`'24 hrs'\`, \`'never'\` or seconds; sizes \`'10k'\`, \`'1mb'\`, \`'unlimited'\` or bytes. A mistake is one line
with file, line and column, and exit code 2.

${table(agentSchema as Property)}
## The cloud's options

Options of \`ioto-cloud start\`: \`cloudKeyFile\` is written \`--cloud-key-file\`.

${table(CloudConfigSchema as Property)}`;
}

function table(schema: Property): string {
  const rows = rowsOf(schema, '').map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`);
  return `| property | type | default | |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

function rowsOf(schema: Property, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = `${prefix}${name}`;
    const own = [`\`${path}\``, typeOf(property), defaultOf(property), property.description ?? ''];
    const each = property.items ?? Object.values(property.patternProperties ?? {})[0];
    if (each?.properties) return [own, ...rowsOf(each, `${path}${property.items ? '[]' : '.NAME'}.`)];
    if (!property.properties) return [own];
    return [[`\`${path}\``, '', '', property.description ?? ''], ...rowsOf(property, `${path}.`)];
  });
}

function typeOf(property: Property): string {
  if (property.unit) return property.unit;
  if (property.const !== undefined) return `\`${JSON.stringify(property.const)}\``;
  if (property.anyOf) return [...new Set(property.anyOf.map(typeOf))].join(' or ');
  if (property.type === 'array')
    return `list of ${typeOf(property.items ?? {})}${property.items?.properties ? 's' : ''}`;
  const { minimum, maximum } = property;
  if (minimum === undefined && maximum === undefined) return property.type ?? 'any';
  return `${property.type} ${minimum ?? ''}..${maximum ?? ''}`;
}

function defaultOf({ default: value }: Property): string {
  return value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
