import { SERVICE_TABLE, type ServiceName } from '../service-table.ts';

/**
 * What a service cannot start without in a file of its own: a device that registers needs an ID, which serialize hands out. In
 * a configuration it does so whether it is named or not.
 */
const ALSO: Readonly<Partial<Record<ServiceName, readonly ServiceName[]>>> = { register: ['serialize'] };

/** What a build contains: the services that are named and all that they need, in start order, and what came with whom. */
export function containedServices(named: readonly ServiceName[]): {
  services: ServiceName[];
  added: { name: ServiceName; neededBy: ServiceName }[];
} {
  const contained = new Set<ServiceName>(named);
  const added: { name: ServiceName; neededBy: ServiceName }[] = [];
  // From the last to the first: what is added may need others itself.
  for (const { name, needs } of [...SERVICE_TABLE].reverse()) {
    if (!contained.has(name)) continue;
    for (const needed of [...needs, ...(ALSO[name] ?? [])]) {
      if (contained.has(needed)) continue;
      contained.add(needed);
      added.push({ name: needed, neededBy: name });
    }
  }
  const services = SERVICE_TABLE.map(({ name }) => name).filter((name) => contained.has(name));
  return { services, added };
}
