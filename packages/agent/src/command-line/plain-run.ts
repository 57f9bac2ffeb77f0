import { type Invocation, invocationOf, type RunFlags } from './invocation.ts';
import { RUN_OPTIONS } from './run-options.ts';

/**
 * Reads arguments that are nothing but options of the program itself, written out, each with its value behind it, as a device
 * is started with: without the library that knows all of a command line, whose loading is a twentieth of a start.
 * Undefined for everything else, and for every mistake: the library reads it anew, and says what is wrong.
 */
export function readPlainRun(args: readonly string[]): Invocation | undefined {
  const flags = Object.fromEntries(
    RUN_OPTIONS.flatMap((option) => (option.default === undefined ? [] : [[option.name, option.default]])),
  ) as unknown as RunFlags;
  try {
    for (let at = 0; at < args.length; at += 1) {
      const option = RUN_OPTIONS.find(({ name }) => args[at] === `--${name}`);
      if (!option) return undefined;
      const text = option.value === undefined ? undefined : args[++at];
      if (option.value !== undefined && (!text || text.startsWith('-'))) return undefined;
      if (option.choices && !option.choices.includes(text as string)) return undefined;
      const value = text === undefined ? true : (option.read?.(text) ?? text);
      Object.assign(flags, { [option.name]: value });
    }
    return invocationOf(flags, args);
  } catch {
    return undefined;
  }
}
