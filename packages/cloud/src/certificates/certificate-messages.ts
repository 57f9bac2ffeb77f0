import { X509Certificate } from 'node:crypto';
import { accepted, certificateTopic, parseCertificateTopic, rejected } from '@ioto/protocol';
import { type Logger, messageOf } from '@ioto/runtime';
import type { DeviceEndpoint, DevicePrincipal } from '../ports/device-endpoint.ts';
import type { OwnMessage } from '../reserved-topics/reserved-topics.ts';
import type { CertificateDesk, PendingCertificate } from './certificate-desk.ts';
import { isRefusal, refusal } from './certificate-errors.ts';

/** The one template: the thing is the device, and its certificate is activated. */
export const TEMPLATE = 'ioto';

export interface CertificateMessagesOptions {
  desk: CertificateDesk;
  endpoint: Pick<DeviceEndpoint, 'answer'>;
  logger: Logger;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * AWS's fleet provisioning over MQTT. Its topics are the same for all devices, so that an answer, and with it perhaps a
 * key, goes to the session that asked and to no other.
 */
export class CertificateMessages {
  readonly #options: CertificateMessagesOptions;

  constructor(options: CertificateMessagesOptions) {
    this.#options = options;
  }

  /** `root` is the level of the topic before the path. */
  async receive(root: 'certificates' | 'provisioning-templates', message: OwnMessage): Promise<void> {
    const { from, path, payload } = message;
    const { endpoint, logger } = this.#options;
    const request = parseCertificateTopic(`$aws/${root}/${path.join('/')}`);
    if (!request) {
      logger.debug(
        { deviceId: from.deviceId, path: path.join('/').slice(0, 256) },
        'no request for a certificate',
      );
      return;
    }
    const topic =
      request.kind === 'create'
        ? certificateTopic.create(request.way)
        : certificateTopic.provision(request.template);
    try {
      const fields = parse(payload);
      const answer =
        request.kind === 'provision'
          ? await this.#provision(from, request.template, fields)
          : shown(
              await (request.way === 'create'
                ? this.#options.desk.createWithKey(from)
                : this.#options.desk.createFromCsr(from, csrOf(fields))),
            );
      endpoint.answer(from.deviceId, accepted(topic), JSON.stringify(answer));
    } catch (error) {
      const known = isRefusal(error) ? error : this.#unexpected(from, error);
      const body = { statusCode: known.status, errorCode: known.code, errorMessage: known.message };
      endpoint.answer(from.deviceId, rejected(topic), JSON.stringify(body));
    }
  }

  async #provision(from: DevicePrincipal, template: string, fields: Fields): Promise<object> {
    const { certificateOwnershipToken: token, parameters = {} } = fields;
    if (template !== TEMPLATE) {
      throw refusal(
        'TemplateNotFound',
        `there is no provisioning template ${template.slice(0, 64)}: use ${TEMPLATE}`,
      );
    }
    if (typeof token !== 'string' || token === '') {
      throw refusal('InvalidCertificateOwnershipToken', 'certificateOwnershipToken is missing');
    }
    if (!isTexts(parameters)) {
      throw refusal('InvalidParameters', 'parameters must be an object of texts');
    }
    if (parameters.ThingName !== undefined && parameters.ThingName !== from.deviceId) {
      throw refusal('InvalidParameters', `the thing of this device is ${from.deviceId}`);
    }
    await this.#options.desk.activate(from, token);
    return { deviceConfiguration: {}, thingName: from.deviceId };
  }

  #unexpected({ deviceId }: DevicePrincipal, error: unknown) {
    this.#options.logger.error(
      { deviceId, error: messageOf(error) },
      'cannot answer a request for a certificate',
    );
    return { status: 500, code: 'InternalError', message: 'the request failed here: ask again later' };
  }
}

function parse(payload: Buffer): Fields {
  let value: unknown;
  try {
    value = payload.length === 0 ? {} : JSON.parse(payload.toString('utf8'));
  } catch (error) {
    throw refusal('InvalidPayload', 'the message is not JSON', error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw refusal('InvalidPayload', 'the message is not a JSON object');
}

function csrOf({ certificateSigningRequest: csr }: Fields): string {
  if (typeof csr === 'string') return csr;
  throw refusal('InvalidCsr', 'certificateSigningRequest is missing: a PKCS#10 request in PEM');
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => typeof each === 'string');
}

function shown({ certificate, key, token }: PendingCertificate): object {
  return {
    // AWS's IDs are 64 digits too, of the certificate's own digest.
    certificateId: new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase(),
    certificatePem: certificate,
    ...(key === undefined ? {} : { privateKey: key }),
    certificateOwnershipToken: token,
  };
}
