/** What a message of the cloud says, as far as it is an object. */
export type AnswerFields = Readonly<Record<string, unknown>>;

/** Reads a message on a reserved topic; one that is no JSON object says nothing. */
export function answerFields(payload: Buffer): AnswerFields {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as AnswerFields) : {};
  } catch {
    return {};
  }
}
