import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { targetOf } from './policy-types.ts';

export interface PolicyGroup {
  /** Empty for policies of an unknown type. */
  readonly environment: string;
  readonly policies: readonly Policy[];
}

/** Policies by the environment that they protect: known environments in their order, then deleted ones by name. */
export function groupPolicies(
  policies: readonly Policy[],
  environments: readonly string[],
): readonly PolicyGroup[] {
  const groups = Map.groupBy(policies, targetOf);
  const deleted = [...groups.keys()].filter((name) => !environments.includes(name)).sort();
  return [...environments, ...deleted].flatMap((environment) => {
    const own = groups.get(environment);
    return own ? [{ environment, policies: own }] : [];
  });
}

/** The environments that no enabled policy protects. A policy of an unknown type may protect any of them. */
export function unguarded(policies: readonly Policy[], environments: readonly string[]): readonly string[] {
  const enabled = policies.filter((policy) => policy.enabled);
  if (enabled.some((policy) => targetOf(policy) === '')) return [];
  return environments.filter((name) => !enabled.some((policy) => targetOf(policy) === name));
}
