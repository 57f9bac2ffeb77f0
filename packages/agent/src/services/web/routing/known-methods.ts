/** Methods that routes and actions may answer, in upper case. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'OPTIONS'],
  ...['POST', 'PUT', 'PATCH', 'DELETE'],
]);
