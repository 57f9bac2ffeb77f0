/** Makes the error about a setting of web.json5 that is none, by its path below `web`. */
export type Complain = (path: string[], problem: string) => Error;
