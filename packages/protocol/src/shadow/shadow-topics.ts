/** The topics of shadows, built and parsed in this one module. */

export const SHADOW_VERBS = ['get', 'update', 'delete'] as const;
export type ShadowVerb = (typeof SHADOW_VERBS)[number];

/** How a request ended, and what else is told of an update. */
export const SHADOW_NEWS = ['accepted', 'rejected', 'delta', 'documents'] as const;
export type ShadowNews = (typeof SHADOW_NEWS)[number];

export interface ShadowTopic {
  /** Absent for the classic shadow. */
  name?: string;
  verb: ShadowVerb;
  /** Absent for a request. */
  news?: ShadowNews;
}

export const shadowTopic = {
  /** Everything about one shadow lies below it, and for the classic one everything about the named ones too. */
  root: (thing: string, name?: string) =>
    name === undefined ? `$aws/things/${thing}/shadow` : `$aws/things/${thing}/shadow/name/${name}`,
  request: (thing: string, name: string | undefined, verb: ShadowVerb) =>
    `${shadowTopic.root(thing, name)}/${verb}`,
  news: (thing: string, name: string | undefined, verb: ShadowVerb, news: ShadowNews) =>
    `${shadowTopic.root(thing, name)}/${verb}/${news}`,
};

const SHADOW_NAME = /^[$a-zA-Z0-9:_-]{1,64}$/;

export function isShadowName(name: string): boolean {
  return SHADOW_NAME.test(name);
}

/** What the levels of a topic behind `$aws/things/{thing}/shadow` are about. The name may be none that a shadow can have. */
export function parseShadowPath(path: readonly string[]): ShadowTopic | undefined {
  const [first, second] = path;
  const name = first === 'name' && path.length >= 3 ? second : undefined;
  const rest = name === undefined ? path : path.slice(2);
  const [verb, news] = rest;
  const isVerb = SHADOW_VERBS.find((each) => each === verb);
  if (!isVerb || rest.length > 2) return undefined;
  const topic: ShadowTopic = { verb: isVerb, ...(name === undefined ? {} : { name }) };
  if (news === undefined) return topic;
  const isNews = SHADOW_NEWS.find((each) => each === news);
  const isOfUpdate = news === 'delta' || news === 'documents';
  return isNews && (verb === 'update' || !isOfUpdate) ? { ...topic, news: isNews } : undefined;
}

/** The same for a whole topic. */
export function parseShadowTopic(topic: string): (ShadowTopic & { thing: string }) | undefined {
  const [root, things, thing, shadow, ...path] = topic.split('/');
  if (root !== '$aws' || things !== 'things' || !thing || shadow !== 'shadow') return undefined;
  const parsed = parseShadowPath(path);
  return parsed && { thing, ...parsed };
}
