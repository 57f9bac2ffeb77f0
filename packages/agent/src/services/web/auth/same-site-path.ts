/** A path of this very site, to send a browser on to; undefined for what leads elsewhere, or might. */
export function sameSitePath(text: string | null | undefined): string | undefined {
  // Browsers take a backslash for a slash, pass over tabs and line ends, and two slashes begin another host.
  return text && /^\/(?![/\\])[\x20-\x7e]*$/.test(text) ? text : undefined;
}
