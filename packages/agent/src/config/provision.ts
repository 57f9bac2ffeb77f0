import { Type } from 'typebox';
import { port, text } from './kinds.ts';

/** `provision.json5`. */
export const provision = Type.Object(
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
    obtained: text('ISO time at which the certificate came'),
    expires: text('ISO time at which the certificate ends'),
    sync: Type.Optional(
      Type.Integer({ description: '1: the cloud can agree on more than the contract of sync asks' }),
    ),
  },
  { additionalProperties: true, default: {}, description: 'provision.json5, written by the agent' },
);
