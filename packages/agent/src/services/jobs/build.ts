import { jobTopic } from '@ioto/protocol';
import { CodedError, type Component } from '@ioto/runtime';
import { type AgentParts, need } from '../../agent-parts.ts';
import { JobCloud } from './job-cloud.ts';
import { JobJournal } from './journal.ts';
import { performer } from './perform.ts';
import { JobService } from './service.ts';

export function build(parts: AgentParts): Component {
  const { clock, logger, events, provisionFile, checkpoint, settings, directories, random } = parts;
  const { id } = need(parts.identity, 'register');
  checkPrograms(settings.jobs);
  const service = new JobService({
    ...{ clock, logger, events, provisionFile, checkpoint, random },
    cloud: (notified) => new JobCloud({ clock, id, timeout: settings.timeouts.api, notified }),
    journal: new JobJournal(directories.db),
    perform: performer(parts),
  });
  need(parts.topics, 'mqtt').add(jobTopic.all(id), (topic, payload) =>
    service.cloud.received(topic, payload),
  );
  need(parts.mqtt, 'mqtt').addSubscription({
    service: 'jobs',
    filters: JobCloud.filters(id),
    user: service,
  });
  return service;
}

/** @throws CONFIG_INVALID for a pattern that is none: found now, and not when a job needs it. */
function checkPrograms({ programs }: AgentParts['settings']['jobs']): void {
  for (const [name, { args }] of Object.entries(programs)) {
    for (const pattern of args) {
      try {
        new RegExp(pattern, 'u');
      } catch (cause) {
        const message = `jobs.programs.${name}.args: ${JSON.stringify(pattern)} is no regular expression`;
        throw new CodedError('CONFIG_INVALID', message, { cause });
      }
    }
  }
}
