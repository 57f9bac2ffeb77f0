/**
 * Parses JSON as devices in the field write it. Ioto 3.0 agents print a zero as `e+00`, which no JSON parser accepts; it
 * is read as 0 rather than dropping the message.
 *
 * @throws SyntaxError for text that is not JSON even so.
 */
export function parseLenientJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const repaired = text.replace(BARE_ZERO, (_match, inString: string | undefined) => inString ?? '0');
    if (repaired === text) throw error;
    return JSON.parse(repaired);
  }
}

/**
 * Either a whole string, which is kept, or a bare `e+00`. The string's end is optional, so that an unclosed one is
 * consumed at once: strangers send these texts, and every position must be looked at only once.
 */
const BARE_ZERO = /("(?:[^"\\]|\\[\s\S]?)*"?)|(?<![\w.+-])-?e[+-]?0+(?![\w.+-])/g;
