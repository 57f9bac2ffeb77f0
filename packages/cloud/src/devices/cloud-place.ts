/** Where this cloud is, as devices and the builder are told. Known once the front door listens. */
export interface CloudPlace {
  name: string;
  type: 'dedicated' | 'hosted';
  region: string;
  /** Bare DNS name of the endpoint, never an address. */
  endpoint: string;
  port: number;
  /** Base of the API, with `/api` and the real port. */
  api: string;
}
