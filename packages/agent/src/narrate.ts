import type { Logger } from '@ioto/runtime';
import type { Agent } from './agent.ts';

/** Tells an agent's life in its log, one line per step. */
export function narrate(agent: Agent, logger: Logger): void {
  agent.on('device:serialized', (facts) => logger.info(facts, 'the device has its claim ID'));
  agent.on('web:listening', (facts) => logger.info(facts, 'the web server listens'));
  agent.on('local:ready', (facts) => logger.info(facts, 'local services are ready'));
  agent.on('device:registered', ({ id, builder, claimed }) =>
    logger.info({ id, builder, claimed }, 'the device is registered'),
  );
  agent.on('device:waiting', (facts) => logger.debug(facts, 'waiting to be claimed'));
  agent.on('device:claimed', (facts) => logger.info(facts, 'the device is claimed'));
  agent.on('device:provisioned', ({ certificate, ...facts }) => {
    const { subject, serialNumber, expires } = certificate;
    logger.info({ ...facts, subject, serialNumber, expires }, 'the device has a certificate');
  });
  agent.on('device:released', (facts) => logger.warn(facts, 'the device gave up its owner and begins anew'));
  agent.on('cloud:retry', (facts) =>
    logger.warn(facts, 'a step towards the cloud failed and will be tried again'),
  );
  agent.on('mqtt:connected', ({ certificate, ...facts }) =>
    logger.info({ ...facts, subject: certificate.subject }, 'connected to the cloud'),
  );
  agent.on('mqtt:disconnected', (facts) => logger.info(facts, 'disconnected from the cloud'));
  agent.on('mqtt:throttled', (facts) => logger.warn(facts, 'the cloud asked for less'));
  agent.on('sync:up', ({ seq, changes }) =>
    logger.debug({ seq, changes: changes.length }, 'changes are in the cloud'),
  );
  agent.on('sync:down', ({ cmd, model }) => logger.debug({ cmd, model }, 'an item came from the cloud'));
  agent.on('cloud:ready', (facts) => logger.info(facts, 'in step with the cloud'));
}
