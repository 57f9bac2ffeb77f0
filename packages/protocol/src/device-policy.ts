/**
 * What the contract lets a device publish and subscribe. The endpoint enforces it by default; the answers depend on the
 * certificate's device and account only, never on what a message says.
 */
export interface DeviceIdentity {
  deviceId: string;
  accountId: string;
}

export function deviceMayPublish({ deviceId }: DeviceIdentity, topic: string): boolean {
  return (
    topic.startsWith(`ioto/service/${deviceId}/`) ||
    topic.startsWith(`$aws/rules/IotoDevice/ioto/service/${deviceId}/`) ||
    topic.startsWith(`$aws/things/${deviceId}/`) ||
    isOfOwnCertificates(topic)
  );
}

/** True for the master filters of the contract and any filter inside them. */
export function deviceMaySubscribe({ deviceId, accountId }: DeviceIdentity, filter: string): boolean {
  return (
    filter.startsWith(`ioto/device/${deviceId}/`) ||
    filter.startsWith('ioto/account/all/') ||
    filter.startsWith(`ioto/account/${accountId}/`) ||
    filter.startsWith(`$aws/things/${deviceId}/`) ||
    isOfOwnCertificates(filter)
  );
}

/** AWS's topics for certificates are the same for all devices; what is said there goes to the one that asked. */
function isOfOwnCertificates(topic: string): boolean {
  return topic.startsWith('$aws/certificates/') || topic.startsWith('$aws/provisioning-templates/');
}

/** A device hears all that it may subscribe: the filters that are allowed match nothing else. */
export function deviceMayReceive(device: DeviceIdentity, topic: string): boolean {
  return deviceMaySubscribe(device, topic);
}
