/** A certificate as the authority issued it, with the facts that its record is kept under. */
export interface IssuedCertificate {
  /** PEM, one certificate: agents in the field read only the first. */
  certificate: string;
  /** Serial number, lower-case hexadecimal without leading zeros of the encoding. */
  serial: string;
  /** SPKI PEM of the certified key, canonical. */
  publicKey: string;
  /** Subject CN. */
  deviceId: string;
  /** ISO time from which the certificate holds. */
  issued: string;
  /** ISO time at which it ends. */
  expires: string;
}

/** Signs device certificates. The domain keeps the records; whether one is revoked is asked there, by serial. */
export interface CertificateAuthority {
  /** PEM of the authority that devices trust the endpoint by. */
  readonly authority: string;
  /**
   * Checks a PKCS#10 request: size, EC P-256, signed by the key that it carries. Returns that key as canonical SPKI PEM.
   *
   * @throws CSR_MALFORMED, CSR_KEY_UNSUITABLE or CSR_SIGNATURE_INVALID, each with status 400.
   */
  keyOfRequest(csr: string): string;
  /** Certifies a public key (canonical SPKI PEM) for a device; CN is the device ID whatever a request's subject said. */
  certify(deviceId: string, publicKey: string): Promise<IssuedCertificate>;
  /** Makes an EC P-256 key for a device that cannot, and certifies it. The key is returned once and kept nowhere. */
  certifyNewKey(deviceId: string): Promise<IssuedCertificate & { key: string }>;
}

/** What a TLS server needs to prove who it is. */
export interface ServerIdentity {
  /** PEM certificate. */
  certificate: string;
  /** PEM private key. */
  key: string;
  /** PEM of the authority that signed it, which is also the one that device certificates are checked against. */
  authority: string;
  /** ISO time at which the certificate ends. */
  expires: string;
}

/** Where the front door gets its certificate from. */
export interface ServerIdentitySource {
  /** Renews first when the certificate nears its end or does not carry all names. */
  serverIdentity(): Promise<ServerIdentity>;
  /** Calls back with each renewal, so that a listening server can take it up. Returns the function that ends it. */
  onRenewal(listener: (identity: ServerIdentity) => void): () => void;
}
