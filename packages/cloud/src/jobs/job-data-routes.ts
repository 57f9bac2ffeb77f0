import { type JobRejection, jobTopic, NEXT_JOB, parseJobRequest } from '@ioto/protocol';
import type { FastifyRequest } from 'fastify';
import { awsError } from '../aws-http/aws-error.ts';
import type { AwsRoutes } from '../aws-http/aws-scope.ts';
import { type AwsName, named } from '../aws-http/aws-words.ts';
import type { AccountDevices } from '../devices/account-devices.ts';
import { roleCovers } from '../http/principal.ts';
import type { ClientRights } from '../ports/device-endpoint.ts';
import type { Device, DeviceJobs } from './device-jobs.ts';

export interface JobDataCapabilities {
  deviceJobs: DeviceJobs;
  devices: Pick<AccountDevices, 'owns'>;
}

const SERVICES = ['iot-jobs-data'];

/** What AWS calls the refusals over HTTP, with their status. */
const OVER_HTTP: Record<JobRejection, AwsName> = {
  InvalidTopic: { code: 'InvalidRequestException' },
  InvalidJson: { code: 'InvalidRequestException' },
  InvalidRequest: { code: 'InvalidRequestException' },
  VersionMismatch: { code: 'InvalidRequestException' },
  ResourceNotFound: { code: 'ResourceNotFoundException', status: 404 },
  InvalidStateTransition: { code: 'InvalidStateTransitionException', status: 409 },
  TerminalStateReached: { code: 'TerminalStateException', status: 410 },
  RequestThrottled: { code: 'ThrottlingException', status: 429 },
  InternalError: { code: 'InternalFailureException', status: 500 },
};

type Body = Record<string, unknown>;

/**
 * AWS IoT Jobs over HTTP (`iot-jobs-data`), for a device by its certificate or credentials, and for tools of its account. What a
 * policy denies a device to ask over MQTT, it cannot ask here.
 */
export function jobDataRoutes({ deviceJobs, devices }: JobDataCapabilities): AwsRoutes {
  return (scope, authorizer) => {
    const serve = async (
      request: FastifyRequest,
      topic: (deviceId: string, jobId: string) => string,
      run: (device: Device, asked: Asked) => Promise<object>,
    ) => {
      const caller = await authorizer.authorize(request, SERVICES, { certificate: true });
      const { thing: deviceId = '', jobId = NEXT_JOB } = request.params as Record<string, string>;
      const { accountId } = caller;
      const isOwn =
        caller.kind === 'device' ? caller.deviceId === deviceId : devices.owns(accountId, deviceId);
      if (!isOwn) throw awsError('ForbiddenException', 'this is no thing of the caller', { status: 403 });
      if (caller.kind === 'tool' && !roleCovers(caller.role, 'user')) {
        const message = `the role ${caller.role} does not suffice: this needs the role user in the account`;
        throw awsError('ForbiddenException', message, { status: 403 });
      }
      if (caller.kind === 'device' && !mayAsk(caller.rights, topic(deviceId, jobId))) {
        throw awsError('ForbiddenException', 'a policy of the account denies it', { status: 403 });
      }
      const device = { accountId, deviceId };
      return named(OVER_HTTP, async () => {
        // What tools ask is not taken from what the device may.
        deviceJobs.admit(caller.kind === 'device' ? deviceId : `tools ${accountId}`);
        const body = parseJobRequest(request.rawBody ?? Buffer.alloc(0));
        return withText((await run(device, { jobId, body, query: request.query as Body })) as Body);
      });
    };
    scope.get('/things/:thing/jobs', (request) =>
      serve(request as FastifyRequest, jobTopic.pending, (device) => deviceJobs.pending(device)),
    );
    scope.put('/things/:thing/jobs/$next', (request) =>
      serve(request as FastifyRequest, jobTopic.startNext, (device, { body }) =>
        deviceJobs.startNext(device, body),
      ),
    );
    scope.get('/things/:thing/jobs/:jobId', (request) =>
      serve(request as FastifyRequest, jobTopic.describe, (device, { jobId, query }) =>
        deviceJobs.describe(device, jobId, {
          includeJobDocument: query.includeJobDocument !== 'false',
          ...(query.executionNumber === undefined ? {} : { executionNumber: Number(query.executionNumber) }),
        }),
      ),
    );
    scope.post('/things/:thing/jobs/:jobId', (request) =>
      serve(request as FastifyRequest, jobTopic.update, (device, { jobId, body }) =>
        deviceJobs.update(device, jobId, body),
      ),
    );
  };
}

interface Asked {
  jobId: string;
  body: Parameters<DeviceJobs['update']>[2];
  query: Body;
}

/** Who may not hear an answer over MQTT is not given it here. */
function mayAsk(rights: ClientRights, topic: string): boolean {
  return rights.mayPublish(topic) && rights.mayReceive(`${topic}/accepted`);
}

/** Over HTTP the document of a job is its text. */
function withText({ jobDocument, execution, ...rest }: Body): Body {
  const told = execution as Body | undefined;
  return {
    ...rest,
    ...(jobDocument === undefined ? {} : { jobDocument: JSON.stringify(jobDocument) }),
    ...(told && {
      execution:
        told.jobDocument === undefined ? told : { ...told, jobDocument: JSON.stringify(told.jobDocument) },
    }),
  };
}
