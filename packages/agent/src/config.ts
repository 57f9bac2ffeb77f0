import { type Static, Type } from 'typebox';
import { certificates } from './config/certificates.ts';
import { database } from './config/database.ts';
import { device } from './config/device.ts';
import { jobs } from './config/jobs.ts';
import { keys } from './config/keys.ts';
import { group, size, text, time } from './config/kinds.ts';
import { log } from './config/log.ts';
import { logs } from './config/logs.ts';
import { mqtt } from './config/mqtt.ts';
import { provision } from './config/provision.ts';
import { services } from './config/services.ts';
import { shadow } from './config/shadow.ts';
import { update } from './config/update.ts';
import { web } from './config/web.ts';

/**
 * Every setting of the agent: type, default, unit and description in one place. It validates the files, it freezes what
 * they said, and the reference page is made from it. Groups of a service stand in files of their own under `config/`.
 */

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
    services,
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
    mqtt,
    database,
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
      webCache: size('4mb', 'files of the web server kept in memory'),
    }),
    log,
    logs,
    keys,
    shadow,
    jobs,
    certificates,
    update,
    scripts: group('programs of the product', {
      serialize: text('prints the claim ID, or { id, product }, at the first start of a device'),
      update: text('applies new software: is given the file, and says exit, restart or nothing'),
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
    web,
    device,
    provision,
  },
  { additionalProperties: true },
);

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The configuration with defaults applied, times in milliseconds and sizes in bytes; frozen. */
export type AgentSettings = DeepReadonly<Static<typeof agentSchema>>;
