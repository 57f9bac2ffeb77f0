import { readFileSync } from 'node:fs';
import { isCodedError, messageOf } from '@ioto/runtime';
import { Command, CommanderError } from 'commander';
import { adminGroup, toCommand } from './admin-command.ts';
import { aliasCommands } from './alias-commands.ts';
import { auditCommand } from './audit-command.ts';
import { broadcastCommands } from './broadcast-commands.ts';
import { cloudCommands, productCommands } from './builder-commands.ts';
import { certificateCommands } from './certificate-commands.ts';
import { accountCommands, deviceCommands, tokenCommands, userCommands } from './cloud-commands.ts';
import { credentialsCommand } from './credentials-command.ts';
import { jobCommands } from './job-commands.ts';
import { logGroup } from './log-commands.ts';
import { metricCommands } from './metric-commands.ts';
import { policyCommands } from './policy-commands.ts';
import { startCommand } from './start-command.ts';
import type { Terminal } from './terminal.ts';
import { updateGroup } from './update-commands.ts';

/** Codes of errors that are the caller's: bad options or files. */
const USAGE = ['CONFIG_INVALID'];

/**
 * Runs one command line (without the program's name) and resolves the exit code: 0 done, 1 refused or failed, 2 the
 * command line itself is wrong.
 */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has already said what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (terminal.stopping.aborted && error === terminal.stopping.reason) return 0;
    terminal.say(`ioto-cloud: ${messageOf(error)}`);
    return USAGE.some((code) => isCodedError(error, code)) ? 2 : 1;
  }
}

function createProgram(terminal: Terminal): Command {
  const program = new Command('ioto-cloud')
    .description('Builder and device cloud for devices that speak the Ioto and AWS IoT wire formats.')
    .version(version())
    .addCommand(startCommand(terminal))
    .addCommand(adminGroup('product', 'products and their registration tokens', productCommands, terminal))
    .addCommand(adminGroup('account', 'accounts of the device cloud', accountCommands, terminal))
    .addCommand(adminGroup('user', 'users of an account', userCommands, terminal))
    .addCommand(adminGroup('token', 'API tokens', tokenCommands, terminal))
    .addCommand(adminGroup('cloud', 'device clouds that use this builder', cloudCommands, terminal))
    .addCommand(adminGroup('device', 'devices', deviceCommands, terminal))
    .addCommand(
      adminGroup('broadcast', 'values for the devices of all accounts', broadcastCommands, terminal),
    )
    .addCommand(adminGroup('certificate', 'certificates of devices', certificateCommands, terminal))
    .addCommand(adminGroup('job', 'jobs for devices', jobCommands, terminal))
    .addCommand(adminGroup('metric', 'what devices measure', metricCommands, terminal))
    .addCommand(adminGroup('alias', 'role aliases: credentials by certificate', aliasCommands, terminal))
    .addCommand(logGroup(terminal))
    .addCommand(adminGroup('policy', 'IoT policies of devices', policyCommands, terminal))
    .addCommand(updateGroup(terminal))
    .addCommand(toCommand(auditCommand, terminal))
    .addCommand(toCommand(credentialsCommand, terminal));
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap((group) => group.commands),
  ]) {
    command.exitOverride().showSuggestionAfterError(false);
    command.configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.say(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error:/, 'ioto-cloud:')),
    });
  }
  return program;
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return String((JSON.parse(readFileSync(file, 'utf8')) as { version: unknown }).version);
}
