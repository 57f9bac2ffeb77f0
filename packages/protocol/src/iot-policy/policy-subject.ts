/**
 * Who asks: what variables and conditions see. A value that is absent or empty matches nothing, whatever stands around its
 * variable.
 */
export interface PolicySubject {
  clientId: string;
  accountId: string;
  region: string;
  /** `iot:Connection.Thing.ThingName`; its presence is `iot:Connection.Thing.IsAttached`. */
  thingName?: string;
  /** `ioto:Product` */
  product?: string;
  /** `iot:Certificate.Subject.CommonName` */
  certificateCommonName?: string;
  /** `aws:SourceIp`: IPv4, IPv6, or IPv4 mapped into IPv6. */
  sourceIp?: string;
  /** Milliseconds since 1970, asked at each decision that depends on it: `aws:CurrentTime`, `aws:EpochTime`. */
  now(): number;
}
