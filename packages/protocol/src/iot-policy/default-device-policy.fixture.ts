import type { PolicyDocument } from './policy-document.ts';

const DEVICE = '${iot:Connection.Thing.ThingName}';
const HEARD = [
  `ioto/device/${DEVICE}/*`,
  'ioto/account/all/*',
  'ioto/account/${ioto:AccountId}/*',
  `$aws/things/${DEVICE}/*`,
  '$aws/certificates/*',
];
const SAID = [
  `ioto/service/${DEVICE}/*`,
  `$aws/rules/IotoDevice/ioto/service/${DEVICE}/*`,
  `$aws/things/${DEVICE}/*`,
  '$aws/certificates/*',
];

/** What the contract lets every device do, as a policy: connect as itself, say and hear what is its own. */
export const defaultDevicePolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    { Sid: 'ConnectAsItself', Effect: 'Allow', Action: 'iot:Connect', Resource: arn('client', DEVICE) },
    {
      Sid: 'PublishItsOwn',
      Effect: 'Allow',
      Action: 'iot:Publish',
      Resource: SAID.map((topic) => arn('topic', topic)),
    },
    {
      Sid: 'SubscribeItsOwn',
      Effect: 'Allow',
      Action: 'iot:Subscribe',
      Resource: HEARD.map((filter) => arn('topicfilter', filter)),
    },
    {
      Sid: 'ReceiveItsOwn',
      Effect: 'Allow',
      Action: 'iot:Receive',
      Resource: HEARD.map((topic) => arn('topic', topic)),
    },
  ],
};

function arn(type: string, name: string): string {
  return `arn:aws:iot:*:*:${type}/${name}`;
}
