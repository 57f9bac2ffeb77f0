import { CodedError } from '@ioto/runtime';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';

/** Items that one answer of `find` holds at most. */
export const MOST_FOUND = 1000;

const Model = Type.String({ maxLength: 256 });
const Properties = Type.Record(Type.String(), Type.Unknown());
const hidden = Type.Optional(Type.Boolean());

/** What `ioto db` asks of a database, in the program that has it open: the agent, or itself when none runs. */
export const DbRequest = Type.Union([
  Type.Object({ verb: Type.Literal('models') }),
  Type.Object({
    verb: Type.Literal('find'),
    model: Model,
    properties: Properties,
    limit: Type.Integer({ minimum: 1, maximum: MOST_FOUND }),
    next: Type.Optional(Type.String({ maxLength: 4096 })),
    index: Type.Optional(Type.String({ maxLength: 256 })),
    hidden,
  }),
  Type.Object({ verb: Type.Literal('get'), model: Model, properties: Properties, hidden }),
  Type.Object({ verb: Type.Literal('count'), model: Type.Optional(Model) }),
  Type.Object({ verb: Type.Literal('export'), models: Type.Array(Model, { maxItems: 256 }), hidden }),
  Type.Object({
    verb: Type.Literal('import'),
    items: Type.Array(Properties),
    /** The number of the first of them in the file, for errors. */
    first: Type.Integer(),
    replace: Type.Boolean(),
  }),
  Type.Object({ verb: Type.Literal('stats') }),
]);
export type DbRequest = Static<typeof DbRequest>;

/** @throws CONTROL_REFUSED for what no `ioto db` of this version asks. */
export function checkDbRequest(request: unknown): DbRequest {
  if (Check(DbRequest, request)) return request;
  throw new CodedError('CONTROL_REFUSED', 'the agent does not know this request of ioto db');
}
