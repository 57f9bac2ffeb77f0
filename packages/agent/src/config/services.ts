import { Type } from 'typebox';

const service = (description: string) =>
  Type.Optional(Type.Union([Type.Boolean(), Type.String({ maxLength: 64 })], { description }));

/** What runs; see the service table. */
export const services = Type.Object(
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
    keys: service('short-lived credentials for the services of AWS'),
    mqtt: service('connection to the cloud'),
    metrics: service('send measurements to the cloud; on with mqtt unless named'),
    sync: service('keep the database in sync with the cloud'),
    shadow: service('what the cloud desires of the device, and what the device reports'),
    certificates: service('renew the certificate before it expires; on with mqtt unless named'),
    logs: service('send logs to the cloud'),
    jobs: service('carry out jobs of the cloud'),
    update: service('update the software of the device'),
    url: service('HTTP client'),
  },
  {
    additionalProperties: true,
    default: {},
    description: 'what runs; all of them when none is named, else those that are named with true',
  },
);
