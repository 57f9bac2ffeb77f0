import { chmod, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LogsWorld } from '../../../test/logs-world.ts';
import { until } from '../../../test/world.ts';

describe('the output of a command', () => {
  it('is one event, as it comes together', async () => {
    await using world = await LogsWorld.create();
    await world.start([{ command: "printf 'a\\n b\\n\\nc'" }]);
    await world.sent(['a\n b\n\nc'], 'command');
  });

  it('may be taken line by line, with what continues a line', async () => {
    await using world = await LogsWorld.create();
    await world.start([{ command: "printf 'a\\n b\\nc\\n'; sleep 30", lines: true }]);
    await world.sent(['a\n b', 'c'], 'command');
  });

  it('comes again after a time, and after a failure', async () => {
    await using world = await LogsWorld.create();
    await world.start([{ command: 'echo again', every: '30 ms' }]);
    await until(() => world.cloud.messages().length >= 3);
    expect(new Set(world.cloud.messages())).toEqual(new Set(['again']));
  });

  it('may be endless, without a line feed: its lines are cut', async () => {
    await using world = await LogsWorld.create();
    await world.start([
      { command: "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo after; sleep 30", lines: true },
    ]);
    await until(() => world.cloud.messages().length === 2);
    const [cut = '', after] = world.cloud.messages();
    const kept = cut.indexOf(' …');
    expect(cut.slice(kept)).toBe(` …[cut ${1_000_000 - 256_000} bytes]`);
    expect(after).toBe('after');
  });

  it('ends with the agent, with all that it has started', async () => {
    await using world = await LogsWorld.create();
    await world.start([{ command: 'sleep 1000 & echo $!; wait', lines: true }]);
    await until(() => world.cloud.messages().length === 1);
    const status = `/proc/${world.cloud.messages()[0]}/status`;
    expect(await readFile(status, 'utf8')).toContain('sleep');
    await world.stop();
    // It is gone, or waits for nothing but to be counted out.
    await until(async () => /State:\tZ/.test(await readFile(status, 'utf8').catch(() => 'State:\tZ')));
  });
});

/** Prints as journalctl does, and notes with what it was called. */
const JOURNALCTL = `#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls"
entry() { printf '{"__CURSOR":"c%s","__REALTIME_TIMESTAMP":"%s000","SYSLOG_IDENTIFIER":"app","_PID":"7","MESSAGE":%s}\\n' "$1" "$2" "$3"; }
now=$(($(date +%s) * 1000 + 900))
case "$*" in
  *after-cursor=c3*) entry 4 "$now" '"fourth"' ;;
  *--lines=1*) entry 1 1000 '"old"'; entry 2 "$now" '"second"'; entry 3 "$now" '[116,104,105,114,100,255]' ;;
esac
exec sleep 30
`;

describe('the journal of systemd, as its program prints it', () => {
  it('is sent from its end on, each entry with who said it, and goes on after the last', async () => {
    await using world = await LogsWorld.create();
    await world.write('journalctl', JOURNALCTL);
    await chmod(world.at('journalctl'), 0o755);
    const more = { journalctl: world.at('journalctl') };
    await world.start([{ journald: 'app.service' }], more);
    await world.sent(['app[7]: second', 'app[7]: third\ufffd'], 'journald');
    await delay(30);
    await world.stop();
    await world.start([{ journald: 'app.service' }], more);
    await until(() => world.cloud.messages().length === 3);
    expect(world.cloud.messages()[2]).toBe('app[7]: fourth');
    const [first = '', second = ''] = (await world.directory.read('calls')).split('\n');
    expect(first).toContain('--unit=app.service --lines=1');
    expect(second).toContain('--no-tail --after-cursor=c3');
  });

  it('is not shown to the next owner, nor what its program had printed and nobody had read', async () => {
    await using world = await LogsWorld.create();
    await world.write('journalctl', FLOOD);
    await chmod(world.at('journalctl'), 0o755);
    world.cloud.intercept = () => ({ status: 503, body: {} });
    await world.start([{ journald: true }], { journalctl: world.at('journalctl') });
    await until(async () => (await world.directory.read('calls').catch(() => '')) !== '');
    // More than the agent keeps: the rest waits in the pipe, and its program for room in it.
    await delay(300);
    world.owner = 'another';
    world.cloud.intercept = () => undefined;
    world.events.emit('device:claimed', { id: 'DEVICE1234', accountId: 'another', api: '' });
    await until(() => world.cloud.messages().length > 0);
    await delay(100);
    expect(new Set(world.cloud.messages())).toEqual(new Set(['app[7]: of the next']));
  });
});

/** Prints more than is kept in memory at its first call, and one entry at its second. */
const FLOOD = `#!/bin/sh
now=$(($(date +%s) * 1000 + 1900))
line() { printf '{"__CURSOR":"c%s","__REALTIME_TIMESTAMP":"%s000","SYSLOG_IDENTIFIER":"app","_PID":"7","MESSAGE":"%s"}\\n' "$1" "$now" "$2"; }
if [ -e "$(dirname "$0")/calls" ]; then line 2 'of the next'; exec sleep 30; fi
long=$(head -c 4000 /dev/zero | tr '\\0' x)
echo > "$(dirname "$0")/calls"
for n in $(seq 400); do line "$n" "$long"; done
exec sleep 30
`;
