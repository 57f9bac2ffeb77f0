// A client of MQTT.js that listens until it is killed: its task as JSON on standard input; on standard output a line for the
// answer to SUBSCRIBE and one for each message.
import { text } from 'node:stream/consumers';
import mqtt from 'mqtt';

const { options, filters, qos } = JSON.parse(await text(process.stdin));
const client = mqtt.connect(options);

function say(what, value) {
  process.stdout.write(`${what} ${JSON.stringify(value)}\n`);
}

client.on('packetreceive', ({ cmd, granted }) => {
  if (cmd === 'suback') say('suback', granted);
});
client.on('message', (topic, payload, packet) =>
  say('message', { topic, payload: payload.toString(), qos: packet.qos, retain: packet.retain }),
);
// What was refused stands in SUBACK.
client.on('connect', () => client.subscribe(filters, { qos }, () => undefined));
client.on('error', (error) => process.stderr.write(`${error.message}\n`));
