import type { TimeTest } from './condition-operators.ts';
import type { Glob } from './glob.ts';
import { type PolicyAction, RESOURCE_TYPE_OF, type ResourceType } from './policy-actions.ts';
import type { IotPolicy } from './policy-document.ts';
import type { PolicyEffect, PolicyRule } from './policy-statement.ts';
import type { PolicySubject } from './policy-subject.ts';
import { type SubjectValues, valuesOf } from './policy-variables.ts';
import { namesOf } from './resource-pattern.ts';

/** Policies with a subject's variables filled in once: decisions afterwards substitute nothing. */
export interface BoundPolicies {
  /**
   * `deny` when a statement denies it, whatever others allow; else `allow` when one allows it; else `none`. `name` is the
   * client ID, the topic, or the topic filter; of a shared subscription the filter behind `$share/NAME/`, as in AWS.
   */
  decide(action: PolicyAction, name: string): 'allow' | 'deny' | 'none';
  /** True for `allow` only: what nothing allows is denied. */
  allows(action: PolicyAction, name: string): boolean;
}

/** Binds policies to who asks. The subject's values are read now; only its `now` is asked later. */
export function bindPolicies(policies: readonly IotPolicy[], subject: PolicySubject): BoundPolicies {
  const values = valuesOf(subject);
  const bound = new Bound(() => subject.now());
  for (const { rules } of policies) for (const rule of rules) bound.add(rule, subject, values);
  return bound;
}

/** Names that statements of one effect speak of, for one action. */
class Names {
  readonly #exact = new Set<string>();
  readonly #globs: Glob[] = [];
  readonly #timed: { globs: readonly Glob[]; times: readonly TimeTest[] }[] = [];

  add(globs: readonly Glob[], times: readonly TimeTest[]): void {
    if (times.length > 0) this.#timed.push({ globs, times });
    else {
      for (const glob of globs) {
        if (glob.exact === undefined) this.#globs.push(glob);
        else this.#exact.add(glob.exact);
      }
    }
  }

  get timed(): boolean {
    return this.#timed.length > 0;
  }

  has(name: string, seconds: number): boolean {
    if (this.#exact.has(name)) return true;
    for (const glob of this.#globs) if (glob.matches(name)) return true;
    for (const { globs, times } of this.#timed) {
      if (holdAll(times, seconds) && globs.some((glob) => glob.matches(name))) return true;
    }
    return false;
  }
}

function holdAll(times: readonly TimeTest[], seconds: number): boolean {
  for (const holds of times) if (!holds(seconds)) return false;
  return true;
}

type Effects = Partial<Record<PolicyEffect, Names>>;

class Bound implements BoundPolicies {
  readonly #now: () => number;
  readonly #effects = new Map<PolicyAction, Effects>();

  constructor(now: () => number) {
    this.#now = now;
  }

  add(rule: PolicyRule, subject: PolicySubject, values: SubjectValues): void {
    const times: TimeTest[] = [];
    for (const condition of rule.conditions) {
      // What cannot be told is a reason to deny, and none to allow.
      const holds = condition(values, rule.effect === 'Deny');
      if (holds === false) return;
      if (holds !== true) times.push(holds);
    }
    const globs = new Map<ResourceType, Glob[]>();
    for (const action of rule.actions) {
      const type = RESOURCE_TYPE_OF[action];
      const names = globs.get(type) ?? globsOf(rule, type, subject, values);
      globs.set(type, names);
      if (names.length > 0) this.#namesOf(action, rule.effect).add(names, times);
    }
  }

  decide(action: PolicyAction, name: string): 'allow' | 'deny' | 'none' {
    const effects = this.#effects.get(action);
    if (effects === undefined) return 'none';
    const { Deny: denied, Allow: allowed } = effects;
    const seconds = denied?.timed || allowed?.timed ? Math.floor(this.#now() / 1000) : 0;
    if (denied?.has(name, seconds)) return 'deny';
    return allowed?.has(name, seconds) ? 'allow' : 'none';
  }

  allows(action: PolicyAction, name: string): boolean {
    return this.decide(action, name) === 'allow';
  }

  #namesOf(action: PolicyAction, effect: PolicyEffect): Names {
    const effects = this.#effects.get(action) ?? {};
    this.#effects.set(action, effects);
    effects[effect] ??= new Names();
    return effects[effect];
  }
}

/** A client that calls itself `+` would turn a filter of its own into everybody's: what it adds so allows nothing. */
function globsOf(
  { effect, resources }: PolicyRule,
  type: ResourceType,
  subject: PolicySubject,
  values: SubjectValues,
): Glob[] {
  const plain = type === 'topicfilter' && effect === 'Allow';
  return resources.flatMap((each) => namesOf(each, type, subject, values, { plain }));
}
