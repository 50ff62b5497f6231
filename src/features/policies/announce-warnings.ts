import { announce } from '#src/components/toast.tsx';
import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { policyWarningWords } from '#src/lib/policy-warning-words.ts';

/** Says at once after saving why a policy may never pass; the list keeps saying it. */
export function announceWarnings(policy: Policy | undefined): void {
  for (const warning of policy?.warnings ?? []) announce(policyWarningWords(warning, 'policy'), 'failed');
}
