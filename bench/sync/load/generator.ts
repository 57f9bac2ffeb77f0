import { type SendUpTask, sendUp } from './send-up.ts';

process.once('message', async (task: SendUpTask) => {
  try {
    process.send?.({ result: await sendUp(task) }, () => process.exit(0));
  } catch (error) {
    process.stderr.write(`the generator failed: ${String(error)}\n`);
    process.exit(1);
  }
});
process.send?.({ ready: true });
