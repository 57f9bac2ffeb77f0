import type { AwsService, AwsServiceParts } from '../aws-services.ts';
import { DeviceJobs } from './device-jobs.ts';
import { jobDataRoutes } from './job-data-routes.ts';
import { JobDesk } from './job-desk.ts';
import { JobMessages } from './job-messages.ts';
import { JobRecords } from './job-records.ts';
import { jobRoutes } from './job-routes.ts';
import { JobTasks } from './job-tasks.ts';
import { jobTimeouts } from './job-timeouts.ts';

/** AWS IoT Jobs: for devices by MQTT and HTTP, and for their owner by our own API. */
export function buildJobs(parts: AwsServiceParts): AwsService {
  const { store, endpoint, directory, accountDevices, audit, guards, clock, logger } = parts;
  const records = new JobRecords(store);
  const deviceJobs = new DeviceJobs({ store, records, endpoint, clock });
  const tasks = new JobTasks({
    store,
    records,
    deviceJobs,
    directory,
    devices: parts.records,
    clock,
    logger,
  });
  const desk = new JobDesk({ store, records, devices: parts.records, tasks, audit, clock });
  const messages = new JobMessages({ deviceJobs, endpoint, clock, logger });
  return {
    routes: [jobDataRoutes({ deviceJobs, devices: accountDevices })],
    api: [(app) => jobRoutes(app, { desk, guards })],
    topics: { jobs: (message) => messages.receive(message) },
    components: [tasks, jobTimeouts({ store, deviceJobs, clock, logger })],
    leaving: (accountId, deviceId) => deviceJobs.leave({ accountId, deviceId }),
  };
}
