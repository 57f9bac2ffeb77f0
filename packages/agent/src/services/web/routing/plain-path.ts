/** Whether a text is a path that a route or an action may be put at: as it is meant, with nothing to decode or to resolve. */
export function isPlainPath(text: string): boolean {
  return text.startsWith('/') && !/[?#%\\\0]|\/\/|(?:^|\/)\.\.?(?:\/|$)/.test(text);
}
