// A maker's own device program that makes the HTTP calls it is told to on standard input, one JSON a line.
import { createInterface } from 'node:readline';
import { createAgent } from '@ioto/agent';

const [config, state] = process.argv.slice(2);
const agent = createAgent({ config, state });
await agent.start();
for await (const line of createInterface({ input: process.stdin })) {
  const { url, options } = JSON.parse(line);
  try {
    const answer = await agent.url.fetch(url, options);
    let text = answer.text?.() ?? '';
    if (answer.stream) {
      text = '';
      for await (const chunk of answer.stream) text += chunk;
    }
    process.stdout.write(`answer ${JSON.stringify({ status: answer.status, text })}\n`);
  } catch (error) {
    process.stdout.write(`failed ${JSON.stringify({ code: error.code, message: error.message })}\n`);
  }
}
await agent.stop();
