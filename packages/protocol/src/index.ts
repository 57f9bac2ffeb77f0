export {
  accepted,
  answersOf,
  type CertificateRequest,
  type CertificateWay,
  certificateTopic,
  parseCertificateTopic,
  rejected,
} from './certificates/certificate-topics.ts';
export {
  CLAIM_ID_LENGTH,
  formatClaimId,
  isClaimId,
  newClaimId,
  parseTypedClaimId,
} from './claim-id.ts';
export {
  BindRequest,
  CloudRecord,
  CloudRegisterRequest,
  FindAnswer,
  FindRequest,
  Registration,
  ReleaseRequest,
  SelfClaim,
} from './cloud-messages.ts';
export {
  type DeviceIdentity,
  deviceMayPublish,
  deviceMayReceive,
  deviceMaySubscribe,
} from './device-policy.ts';
export { type BoundPolicies, bindPolicies } from './iot-policy/bind-policies.ts';
export { POLICY_ACTIONS, type PolicyAction } from './iot-policy/policy-actions.ts';
export { checkPolicyCost, MOST_POLICY_COST, policyCost } from './iot-policy/policy-cost.ts';
export { type IotPolicy, type PolicyDocument, parseIotPolicy } from './iot-policy/policy-document.ts';
export { type PolicyHome, policyAtHome } from './iot-policy/policy-home.ts';
export type { PolicyStatement } from './iot-policy/policy-statement.ts';
export type { PolicySubject } from './iot-policy/policy-subject.ts';
export { type ExecutionChange, transition } from './jobs/execution-plan.ts';
export {
  deadlineOf,
  inOrder,
  isTerminal,
  JOB_STATUSES,
  type JobExecution,
  type JobExecutionState,
  JobRefusal,
  type JobRejection,
  type JobStatus,
  type StatusDetails,
  stateOf,
} from './jobs/job-execution.ts';
export {
  clientTokenOf,
  executionOf,
  JOB_LIMITS,
  type JobRequest,
  noticeOf,
  parseJobRequest,
  summaryOf,
} from './jobs/job-messages.ts';
export { type JobVerb, jobTopic, NEXT_JOB, parseJobAnswer, parseJobPath } from './jobs/job-topics.ts';
export { parseLenientJson } from './lenient-json.ts';
export {
  type MetricSketch,
  mergeSketches,
  quantile,
  readSketch,
  sketchOf,
  sketchOfAll,
  subtractSketch,
} from './metric-sketch.ts';
export {
  canonicalDimensions,
  DEVICE_DIMENSION,
  isMetricStatistic,
  LONGEST_METRIC_PERIOD,
  METRIC_LIMITS,
  METRIC_STATISTICS,
  type MetricDimensions,
  type MetricLot,
  type MetricStatistic,
  OWN_DEVICE,
  PERCENTILE,
  problemOfDimensions,
  problemOfMetricName,
  shareOfPercentile,
} from './metrics.ts';
export { type CoreField, type CoreSchema, coreSchema, type SyncDirection } from './models.ts';
export { canonicalPublicKey, parsePublicKey } from './public-key.ts';
export {
  ErrorAnswer,
  ProvisionAnswer,
  ProvisionRequest,
  RegisterAnswer,
  RegisterRequest,
} from './register-messages.ts';
export {
  SIGNATURE_HEADER,
  SIGNATURE_TOLERANCE,
  type SignedParts,
  secretsEqual,
  signRequest,
  verifyRequest,
} from './request-signature.ts';
export { deltaOf } from './shadow/delta.ts';
export { isJsonObject, type Json, type JsonObject, memberOf, sameJson } from './shadow/json.ts';
export { mergeObject } from './shadow/merge.ts';
export {
  parseToken,
  parseUpdate,
  SHADOW_LIMITS,
  type ShadowLimits,
  type ShadowSections,
  type ShadowUpdate,
} from './shadow/shadow-document.ts';
export {
  ShadowError,
  type ShadowErrorCode,
  shadowRefusal,
  shadowUnknown,
} from './shadow/shadow-errors.ts';
export {
  isShadowName,
  parseShadowPath,
  parseShadowTopic,
  type ShadowNews,
  type ShadowTopic,
  type ShadowVerb,
  shadowTopic,
} from './shadow/shadow-topics.ts';
export {
  emptyShadow,
  planUpdate,
  type ShadowRecord,
  shownShadow,
  type UpdatePlan,
} from './shadow/update-plan.ts';
export { canonicalRequest, type Signed, sha256 } from './sigv4/canonical-request.ts';
export { type RequestToSign, type SigningCredentials, signedHeadersOf } from './sigv4/sign.ts';
export {
  headerValues,
  type QueryParameter,
  queryParameters,
  type SignedRequest,
  splitTarget,
} from './sigv4/signed-request.ts';
export { type SigningScope, scopeOf, signatureOver, signingKey } from './sigv4/signing-key.ts';
export { canonicalItem } from './sync-core/canonical.ts';
export { type Claims, type HeldByCloud, onUp, type SentUp, type UpVerdict } from './sync-core/cloud-end.ts';
export { type DownFacts, type DownVerdict, type HeldByDevice, onDown } from './sync-core/device-end.ts';
export { itemDigest, tableDigest } from './sync-core/digest.ts';
export {
  FIELD_TIMES,
  type FieldTimes,
  isSameMerge,
  type MergeItem,
  mergeItems,
  readFieldTimes,
  timesAfter,
} from './sync-core/field-merge.ts';
export {
  type MergeDownVerdict,
  type MergeFacts,
  type MergeUpVerdict,
  onDownMerging,
  onUpMerging,
} from './sync-core/merging-ends.ts';
export {
  areBucketBits,
  bucketBits,
  bucketOf,
  type Repair,
  repairOf,
  type SketchOptions,
  type SketchRow,
  sketchRow,
  TableSketch,
} from './sync-core/sketch.ts';
export { compareTimes, compareVersions, nextTime, type Version } from './sync-core/version.ts';
export {
  EXPIRY_MARGIN,
  MOST_FETCHED,
  SYNC_CHECKED,
  SYNC_DIGEST,
  SYNC_FETCH,
  SyncChecked,
  SyncDigest,
  SyncDigestAnswer,
  SyncFetch,
  SyncFetchAnswer,
} from './sync-digest.ts';
export {
  SYNC_ABILITIES,
  SYNC_HELLO,
  type SyncAbility,
  SyncHello,
  SyncHelloAnswer,
  SyncLost,
  SyncPace,
  SyncReport,
} from './sync-hello.ts';
export {
  AgreedSyncAck,
  AgreedSyncUp,
  CHANGE_COMMANDS,
  type ChangeCommand,
  SyncAck,
  SyncChange,
  SyncDownEnd,
  SyncDownRequest,
  SyncUp,
  WireItem,
} from './sync-messages.ts';
export {
  accountSyncTopic,
  type DownMessage,
  deviceTopic,
  itemsTopic,
  lifecycleTopic,
  masterFilters,
  parseDeviceTopic,
  parseServiceTopic,
  SYNC_VERBS,
  type SyncVerb,
  serviceTopic,
  topicOfBasicIngest,
  type UpMessage,
} from './topics.ts';
export {
  isImageSigned,
  readImageKeys,
  type SignedImage,
  signedImageText,
  signImage,
} from './update/signed-text.ts';
export { UpdateAnswer, UpdateCheck, UpdateReport } from './update/update-messages.ts';
