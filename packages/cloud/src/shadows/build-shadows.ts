import { planUpdate } from '@ioto/protocol';
import type { AwsService, AwsServiceParts } from '../aws-services.ts';
import { retainedRoutes } from '../data-plane/retained-routes.ts';
import { topicsRoute } from '../data-plane/topics-route.ts';
import { ShadowDesk } from './shadow-desk.ts';
import { ShadowMessages } from './shadow-messages.ts';
import { ShadowRecords } from './shadow-records.ts';
import { shadowRoutes } from './shadow-routes.ts';

/** Device shadows, over MQTT and over the REST data plane; and what else the data plane has. */
export function buildShadows({
  store,
  records: devices,
  audit,
  endpoint,
  clock,
  logger,
}: AwsServiceParts): AwsService {
  const now = () => Math.floor(clock.now() / 1000);
  const records = new ShadowRecords({
    ...{ store, devices, audit, now },
    planUpdate: (before, update) => planUpdate(before, update, now()),
  });
  const desk = new ShadowDesk({ records, endpoint, now, logger });
  const messages = new ShadowMessages({ desk, now, logger });
  return {
    topics: { shadow: messages.receive },
    routes: [
      shadowRoutes({ desk, records, now, logger }),
      topicsRoute({ endpoint, logger }),
      retainedRoutes({ endpoint, logger }),
    ],
    leaving: (accountId, deviceId) => records.archive(accountId, deviceId),
  };
}
