/** A route as it was compiled from the settings. */
export interface Route {
  /** As it was written. */
  readonly match: string;
  /** All below the path, the path alone, or every path. */
  readonly kind: 'prefix' | 'exact' | 'all';
  readonly methods: ReadonlySet<string>;
  /** The methods as the header Allow names them. */
  readonly allow: string;
  readonly handler: 'file';
  /** Where it sends everything. */
  readonly redirect: string | undefined;
  /** Characters at the beginning of the path that the handler does not see. */
  readonly trim: number;
  /** Whether FILE.br and FILE.gz stand for FILE. */
  readonly compressed: boolean;
  /** Cache-Control of a file of this name, where the route says one. */
  cacheControl(file: string): string | undefined;
}

/** The first route that a path belongs to. */
export function matchRoute(routes: readonly Route[], path: string): Route | undefined {
  return routes.find(({ kind, match }) =>
    kind === 'all' ? true : kind === 'exact' ? path === match : path.startsWith(match),
  );
}
