import { readFile } from 'node:fs/promises';
import { signImage } from '@ioto/protocol';
import { CodedError, systemCode } from '@ioto/runtime';
import { Command, Option } from 'commander';
import type { AdminClient } from './admin-client.ts';
import { type AdminCommand, adminGroup, type Telling, tellItems } from './admin-command.ts';
import { type ImageFile, readImage, sendImage } from './image-file.ts';
import { makeMakerKey, publicPemOf, readMakerKey } from './maker-key.ts';
import type { Terminal } from './terminal.ts';

type Answer = Record<string, unknown>;

const product = () => new Option('--product <id>', 'product ID').makeOptionMandatory();
const key = () => new Option('--key <file>', 'the maker\'s private key, from "update keygen"');

/** `ioto-cloud update …`: what needs the maker's key is done here, and the rest by the cloud. */
export function updateGroup(terminal: Terminal): Command {
  return adminGroup('update', 'software for devices', commands(terminal), terminal)
    .addCommand(keygen(terminal))
    .addCommand(sign(terminal));
}

function keygen(terminal: Terminal): Command {
  const summary =
    'make the key that images are signed with; prints the public key, for update.keys of devices';
  return new Command('keygen')
    .summary(summary)
    .description(summary)
    .argument('<file>', 'where the private key goes; keep it away from the cloud')
    .action(async (file: string) => {
      terminal.out(await makeMakerKey(file));
      terminal.say(`  the private key is in ${file}: whoever has it may change the software of every device`);
    });
}

function sign(terminal: Terminal): Command {
  const summary = 'sign an image where the key is, for "update publish --signature" elsewhere';
  return new Command('sign')
    .summary(summary)
    .description(summary)
    .argument('<version>', 'of the software, such as 1.2.3')
    .argument('<image>')
    .addOption(product())
    .addOption(key().makeOptionMandatory())
    .action(async (version: string, path: string, options: { product: string; key: string }) => {
      const privateKey = await readMakerKey(options.key);
      const { size, sha256 } = await readImage(path);
      const { product } = options;
      terminal.out(`${signImage({ product, version, size, sha256 }, privateKey)}\n`);
      terminal.say(`  version ${version} of ${product}: ${size} bytes, SHA-256 ${sha256}`);
      terminal.say(`  good by this key:\n${publicPemOf(privateKey)}`);
    });
}

const commands = (terminal: Terminal): readonly AdminCommand[] => [
  {
    usage: 'publish <version> <image>',
    summary: 'hand an image out to the devices of a product',
    options: [
      product(),
      new Option(
        '--policy <expression>',
        'which devices it is for, such as "model == \'L2\'"; all, when absent',
      ),
      new Option('--description <text>', 'what is new'),
      key().conflicts(['signature', 'unsigned']),
      new Option('--signature <text>', 'signature from "update sign", or @FILE that holds it').conflicts(
        'unsigned',
      ),
      new Option('--unsigned', 'devices that trust a key will not take it'),
      new Option('--disabled', 'keep it back until "update enable"'),
    ],
    path: '/update/publish',
    body: ([version, image], options) => prepare(String(version), String(image), options),
    ask: (client, prepared) => publish(client, prepared as Prepared, terminal),
    tell: tellUpdate,
  },
  {
    usage: 'find',
    summary: 'the updates of a product, or of all',
    options: [new Option('--product <id>', 'product ID')],
    path: '/update/find',
    ask: 'pages',
    body: (_args, { product }) => ({ product }),
    tell: (answer) => tellItems(answer, tellUpdate),
  },
  {
    usage: 'change <version>',
    summary: 'say anew which devices an update is for',
    options: [
      product(),
      new Option('--policy <expression>', 'which devices it is for; all, when empty'),
      new Option('--description <text>', 'what is new'),
    ],
    path: '/update/update',
    body: ([version], { product, policy, description }) => ({ product, version, policy, description }),
    tell: tellUpdate,
  },
  ...(
    [
      ['enable', true, 'hand an update out'],
      ['disable', false, 'hand an update out no more, not even to devices that are fetching it'],
    ] as const
  ).map(
    ([name, enabled, summary]): AdminCommand => ({
      usage: `${name} <version>`,
      summary,
      options: [product()],
      path: '/update/update',
      body: ([version], { product }) => ({ product, version, enabled }),
      tell: tellUpdate,
    }),
  ),
  {
    usage: 'remove <version>',
    summary: 'remove an update with its image',
    options: [product()],
    path: '/update/remove',
    body: ([version], { product }) => ({ product, version }),
    tell: (_answer, [version]) => ({ id: String(version), text: 'removed' }),
  },
];

interface Prepared {
  image: ImageFile;
  facts: Answer;
}

/** All that can be wrong here is looked at before anything is sent. */
async function prepare(version: string, path: string, options: Answer): Promise<Prepared> {
  const { product, policy, description, key, signature, unsigned, disabled } = options;
  if (key === undefined && signature === undefined && !unsigned) {
    const message = 'say how the image is signed: --key FILE, --signature TEXT, or --unsigned';
    throw new CodedError('CONFIG_INVALID', message);
  }
  const image = await readImage(path);
  const facts = {
    product: String(product),
    version: String(version),
    size: image.size,
    sha256: image.sha256,
  };
  const signed =
    key === undefined ? await signatureOf(signature) : signImage(facts, await readMakerKey(String(key)));
  return { image, facts: { ...facts, policy, description, signature: signed, enabled: !disabled } };
}

async function signatureOf(given: unknown): Promise<string | undefined> {
  if (typeof given !== 'string' || !given.startsWith('@')) return given as string | undefined;
  try {
    return (await readFile(given.slice(1), 'utf8')).trim();
  } catch (error) {
    const message = `--signature: cannot read ${given.slice(1)} (${systemCode(error)})`;
    throw new CodedError('CONFIG_INVALID', message, { cause: error });
  }
}

async function publish(client: AdminClient, { image, facts }: Prepared, terminal: Terminal): Promise<Answer> {
  const upload = await sendImage(client, image, (percent) => terminal.say(`  ${percent} % sent`));
  try {
    return await client.post('/update/publish', { ...facts, upload });
  } catch (error) {
    await client.post('/update/drop', { upload }).catch(() => undefined);
    throw error;
  }
}

function tellUpdate({ product, version, policy, enabled, size, signature, description }: Answer): Telling {
  const facts = [
    `of ${product}`,
    `${size} bytes`,
    signature ? 'signed' : 'not signed',
    enabled ? 'enabled' : 'disabled',
    policy ? `for ${policy}` : 'for every device',
  ].join(', ');
  return { id: String(version), text: description ? `${description} (${facts})` : facts };
}
