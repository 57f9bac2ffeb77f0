/** `database.path` names the main file; the database adds its own endings. */
export function databaseName(path: string): string {
  return path.replace(/\.db$/, '');
}
