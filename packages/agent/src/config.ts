import { type Static, type TSchema, Type } from 'typebox';

/**
 * Every setting of the agent: type, default, unit and description in one place. It validates the files, it freezes what
 * they said, and the reference page is made from it.
 */

/** A time: milliseconds once read, `'15secs'`, `'never'` or seconds in the file. */
const time = (value: string, description: string) =>
  Type.Unsafe<number>(
    Type.Union([Type.String(), Type.Number()], { unit: 'time', default: value, description }),
  );

/** A size: bytes once read, `'10k'`, `'unlimited'` or bytes in the file. */
const size = (value: string, description: string) =>
  Type.Unsafe<number>(
    Type.Union([Type.String(), Type.Number()], { unit: 'size', default: value, description }),
  );

const text = (description: string) => Type.Optional(Type.String({ maxLength: 4096, description }));

const service = (description: string) =>
  Type.Optional(Type.Union([Type.Boolean(), Type.String({ maxLength: 64 })], { description }));

const group = <P extends Record<string, TSchema>>(description: string, properties: P) =>
  Type.Object(properties, { default: {}, description });

const port = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description }));

const listen = (description: string) =>
  Type.Optional(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 16 })], { description }));

const DeviceSettings = Type.Object(
  {
    id: text('claim ID'),
    claim: text('older spelling of id'),
    product: text('product ID, the registration token'),
    name: text('what people call the device'),
    description: text('what the device is'),
    model: text('model of the product'),
    test: Type.Optional(
      Type.Union([Type.Boolean(), Type.Integer({ minimum: 0, maximum: 1 })], {
        description: 'a test device, not one of a customer',
      }),
    ),
    account: text('account to belong to without being claimed by a person; needs cloud'),
    cloud: text('cloud of that account'),
  },
  {
    additionalProperties: true,
    default: {},
    description: 'device.json5; any further property travels with registration',
  },
);

const ProvisionSettings = Type.Object(
  {
    registered: Type.Optional(Type.Boolean({ description: 'the builder has answered a register call' })),
    id: text('claim ID that the answers are for'),
    api: text('base of the device cloud'),
    token: text('bearer token for provisioning'),
    accountId: text('owner of the device'),
    certificate: text('path of the device certificate'),
    key: text('path of its private key'),
    ca: text('path of the authority of the endpoint'),
    endpoint: text('DNS name of the MQTT endpoint'),
    port: port('port of the MQTT endpoint'),
    cloudType: text('dedicated or hosted'),
    cloudName: text('name of the cloud'),
    cloudRegion: text('region of the cloud'),
    expires: text('ISO time at which the certificate ends'),
    sync: Type.Optional(
      Type.Integer({ description: '1: the cloud can agree on more than the contract of sync asks' }),
    ),
  },
  { additionalProperties: true, default: {}, description: 'provision.json5, written by the agent' },
);

export const agentSchema = Type.Object(
  {
    version: Type.String({
      default: '1.0.0',
      maxLength: 64,
      description: "version of the device's software",
    }),
    profile: Type.String({
      default: 'dev',
      maxLength: 64,
      description: 'name of the conditional set to blend',
    }),
    services: Type.Object(
      {
        serialize: Type.Union([Type.String(), Type.Boolean()], {
          default: 'auto',
          description:
            "'auto' makes a claim ID, 'factory' asks api.serialize or scripts.serialize, 'none' takes it from device.json5",
        }),
        database: service('embedded database'),
        web: service('embedded web server'),
        register: service('register with the builder'),
        provision: service('obtain a certificate once claimed'),
        mqtt: service('connection to the cloud'),
        sync: service('keep the database in sync with the cloud'),
        url: service('HTTP client'),
      },
      {
        additionalProperties: true,
        default: {},
        description: 'what runs; all of them when none is named, else those that are named with true',
      },
    ),
    api: group('bases of the services that the agent calls', {
      builder: text("the builder's API, with its /api; there is no default"),
      serialize: text('factory service that hands out claim IDs'),
    }),
    tls: group('trust for HTTPS', {
      authority: text("file of the authorities to trust instead of the system's"),
    }),
    serialize: group('claim IDs', {
      length: Type.Integer({
        default: 10,
        minimum: 10,
        maximum: 20,
        description: 'letters of a claim ID that the agent makes; 16 are 80 bits',
      }),
    }),
    register: group('polling of the builder', {
      first: time('5 secs', 'first delay after the call at power-on'),
      limit: time('10 mins', 'longest delay'),
      wait: time(
        '60 secs',
        'how long the builder may hold a call until the claim; 0 switches long polls off',
      ),
    }),
    mqtt: group('connection to the cloud', {
      authority: text('file of the authorities to trust; default: the one that came with the certificate'),
      endpoint: text('DNS name to connect to instead of the provisioned one'),
      port: port('port to connect to instead of the provisioned one'),
      alpn: Type.String({
        default: 'x-amzn-mqtt-ca',
        maxLength: 255,
        description: "ALPN protocol; '' offers none",
      }),
      delay: time('0', 'wait before the first connect of a start'),
      timeout: time('30 secs', 'longest wait for a connection, an answer to a subscription, or a PUBACK'),
      keepAlive: time('2 mins', 'silence after which the connection is probed'),
      first: time('1 sec', 'first delay before connecting again'),
      limit: time('2 mins', 'longest delay before connecting again'),
      schedule: text('cron window in which to be connected; not supported by this build'),
    }),
    database: group('embedded database', {
      path: Type.String({
        default: 'device.db',
        maxLength: 256,
        description: 'name of the database within @db',
      }),
      schema: text('OneTable schema file; default: the core models'),
      durability: Type.Union([Type.Literal('each'), Type.Literal('lazy'), Type.Literal('mem')], {
        default: 'each',
        description:
          "when a write is done, for models whose schema does not choose: 'each' on disk, 'lazy' on disk within maxJournalAge, 'mem' never on disk",
      }),
      maxSize: size(
        'unlimited',
        'size of all items together at which a write that adds to it is refused with DATABASE_FULL',
      ),
      onDamage: Type.Union([Type.Literal('refuse'), Type.Literal('salvage')], {
        default: 'salvage',
        description:
          "what a damaged database file does to the start: 'salvage' goes on with all that can be read and keeps the damaged files aside, 'refuse' ends it",
      }),
      maxJournalSize: size('1mb', 'journal size at which it is folded into the database'),
      maxJournalAge: time('5 secs', 'longest time until a lazy write is on disk'),
      tombstones: time(
        '90 days',
        'time for which removed items are remembered, so that no late copy brings them back',
      ),
      maxQueue: Type.Integer({
        default: 200_000,
        minimum: 1,
        description: 'changes that may wait to go up to the cloud; process.MODEL.queue bounds one model',
      }),
      maxSyncSize: size(
        '120k',
        'largest message of changes sent up, at most 120k; smaller where the cloud asks for it',
      ),
    }),
    directories: group('where things lie; @state, @config, @certs, @db and @site may be used in paths', {
      state: text('everything that the agent writes'),
      certs: text('certificate and keys; default @state/certs'),
      db: text('database; default @state/db'),
      site: text('web pages; default @state/site'),
    }),
    limits: group('bounds on what others may cost', {
      answer: size('1mb', 'largest HTTP answer that is read'),
      item: size('120k', 'largest item of the database; the cloud takes messages of 128 KB'),
      message: size('256k', 'largest MQTT message that is handled'),
      webConnections: Type.Integer({ default: 64, minimum: 1, description: 'connections of the web server' }),
      webCache: size('4mb', 'files of the web server kept in memory'),
    }),
    log: group('log', {
      level: Type.Optional(
        Type.Union(
          [Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')],
          {
            description: 'least level that is written; options of the command line go before',
          },
        ),
      ),
    }),
    scripts: group('programs of the product', {
      serialize: text('prints the claim ID, or { id, product }, at the first start of a device'),
    }),
    sync: group('keeping in step with the cloud', {
      check: time(
        '24 hrs',
        "time from one comparison of all synced items with the cloud's to the next; 0 compares never",
      ),
    }),
    timeouts: group('patience', {
      api: time('30 secs', 'an HTTP call to builder, cloud or factory'),
      serialize: time('60 secs', 'scripts.serialize'),
      sync: time('5 secs', 'wait for an acknowledgement before changes are sent again'),
    }),
    web: Type.Object(
      {
        listen: listen(
          "addresses to listen on, such as 'http://:80' for every interface; without any, 'http://127.0.0.1:8080'",
        ),
        listens: listen('older spelling of listen'),
        metrics: Type.Union([Type.Literal('loopback'), Type.Literal('all'), Type.Literal('off')], {
          default: 'loopback',
          description:
            "who may read /metrics: 'loopback' programs on the device, 'all' whoever reaches the web server, 'off' nobody",
        }),
      },
      { additionalProperties: true, default: {}, description: 'web.json5' },
    ),
    device: DeviceSettings,
    provision: ProvisionSettings,
  },
  { additionalProperties: true },
);

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The configuration with defaults applied, times in milliseconds and sizes in bytes; frozen. */
export type AgentSettings = DeepReadonly<Static<typeof agentSchema>>;
