/** What CloudWatch's clients call the metrics that devices set by `metric/set`: its own name for them, as in Ioto's cloud. */
export const DEVICE_NAMESPACE = 'Embedthis/Device';

/** As series have it: undefined for what devices set. */
export function namespaceOf(name: string | undefined): string | undefined {
  return name === DEVICE_NAMESPACE ? undefined : name;
}
