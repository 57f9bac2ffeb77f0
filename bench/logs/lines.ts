const LEVELS = ['DEBUG', 'INFO', 'INFO', 'INFO', 'WARN', 'ERROR'];

/** Every line of a million has this word in it once. */
export const RARE = 'unobtainium';
/** Each sixth line has it. */
export const COMMON = 'ERROR';

/** Bytes of a line, about. */
export const LINE_BYTES = 200;

/** A line of a log as devices write them, always the same for a number; each fourth is JSON. */
export function lineOf(number: number): string {
  const noise = Math.imul(number, 2654435761) >>> 0;
  const level = LEVELS[noise % LEVELS.length] as string;
  const word = number % 1_000_000 === 500_000 ? RARE : 'ordinary';
  const session = noise.toString(16).padStart(8, '0');
  if (number % 4 === 0) {
    return padded(
      JSON.stringify({
        level,
        seq: number,
        session,
        x: number % 1_000_000 === 0 ? 1 : (noise % 900) + 2,
        word,
        msg: 'state reported',
      }),
    );
  }
  return padded(
    `${level} request ${number} of session ${session} took ${noise % 977} ms, status ${noise % 7 === 0 ? 500 : 200}, a ${word} answer`,
  );
}

/** The rest of a line is what many lines have in common. */
const FILLING =
  ' by worker-3 of the lighting controller in the second hall, firmware 4.2.1, uptime nominal, link good, queue empty, nothing else to say here';

function padded(text: string): string {
  if (text.endsWith('}'))
    return `${text.slice(0, -1)},"more":"${FILLING.slice(1, Math.max(2, LINE_BYTES - text.length - 10))}"}`;
  return text + FILLING.slice(0, Math.max(0, LINE_BYTES - text.length));
}
