import type { Logger } from '@ioto/runtime';
import type { Agent } from './agent.ts';

/** Tells an agent's life in its log, one line per step. */
export function narrate(agent: Agent, logger: Logger): void {
  agent.on('device:serialized', (facts) => logger.info(facts, 'the device has its claim ID'));
  agent.on('web:listening', (facts) => logger.info(facts, 'the web server listens'));
  agent.on('web:signed-in', (facts) => logger.info(facts, 'somebody has signed in to the web server'));
  agent.on('web:sign-in-failed', (facts) => logger.warn(facts, 'wrong passwords at the web server'));
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
  agent.on('service:unavailable', (facts) =>
    logger.warn(facts, 'the cloud refuses what a service needs: it is unavailable on this connection'),
  );
  agent.on('clock:corrected', (facts) =>
    logger.warn(facts, "the device's clock differs from the cloud's: what is dated goes by the cloud's"),
  );
  agent.on('sync:up', ({ seq, changes }) =>
    logger.debug({ seq, changes: changes.length }, 'changes are in the cloud'),
  );
  agent.on('sync:down', ({ cmd, model }) => logger.debug({ cmd, model }, 'an item came from the cloud'));
  agent.on('cloud:ready', (facts) => logger.info(facts, 'in step with the cloud'));
  narrateServices(agent, logger);
}

function narrateServices(agent: Agent, logger: Logger): void {
  agent.on('shadow:delta', ({ name, version }) =>
    logger.debug({ shadow: name, version }, 'the cloud desires another state of the device'),
  );
  agent.on('keys:renewed', (facts) => logger.debug(facts, 'the device has new credentials'));
  agent.on('logs:gap', (facts) => logger.warn(facts, 'lines of a log are lost'));
  agent.on('logs:refused', (facts) => logger.warn(facts, 'the cloud does not take the lines of a log'));
  agent.on('job:started', (facts) => logger.info(facts, 'a job has begun'));
  agent.on('job:ended', (facts) => logger.info(facts, 'a job has ended'));
  agent.on('certificate:renewed', ({ certificate: { serialNumber, expires }, replaced }) =>
    logger.info(
      { serialNumber, expires, replaced: replaced.serialNumber },
      'the device has a new certificate in place of the old',
    ),
  );
  agent.on('certificate:renewal-failed', (facts) =>
    logger.warn(facts, 'the certificate could not be renewed; that will be tried again'),
  );
  agent.on('device:update', ({ version, file }) =>
    logger.info({ version, file }, 'new software is there to be applied'),
  );
  agent.on('update:progress', (facts) => logger.debug(facts, 'new software is on its way'));
  agent.on('update:ended', (facts) =>
    facts.outcome === 'applied'
      ? logger.info(facts, 'new software was applied')
      : logger.warn(facts, 'new software was not applied'),
  );
}
