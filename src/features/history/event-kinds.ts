/** A group of kinds in the filter. `id` stands in the page's address. */
export interface KindGroup {
  readonly id: string;
  readonly label: string;
  readonly kinds: readonly string[];
}

export const SIGN_INS = 'sign-ins';

/** All known kinds in the groups of the filter. */
export const kindGroups: readonly KindGroup[] = [
  {
    id: 'decisions',
    label: 'Decisions',
    kinds: [
      'approval.approved',
      'approval.rejected',
      'approval.bypassed',
      'approval.withdrawn',
      'plan.approved',
      'plan.rejected',
      'gate.opened',
    ],
  },
  {
    id: 'releases',
    label: 'Releases',
    kinds: [
      'artifact.annotated',
      'release.requested',
      'release.succeeded',
      'release.failed',
      'release.cancelled',
      'release.superseded',
      'deployment.succeeded',
      'deployment.failed',
      'deployment.timed_out',
      'deployment.reported_late',
      'plan.succeeded',
      'plan.failed',
      'plan.timed_out',
      'plan.reported_late',
      'plan.repeated',
      'stage.retried',
      'hold.began',
      'hold.ended',
    ],
  },
  {
    id: 'policies',
    label: 'Policies and pipelines',
    kinds: [
      'policy.created',
      'policy.updated',
      'policy.deleted',
      'pipeline.created',
      'pipeline.updated',
      'pipeline.deleted',
    ],
  },
  {
    id: 'environments',
    label: 'Environments',
    kinds: [
      'project.created',
      'project.updated',
      'environment.created',
      'environment.updated',
      'environment.deleted',
      'destination.created',
      'destination.updated',
      'destination.settled',
      'destination.freed',
      'destination.deleted',
    ],
  },
  {
    id: 'people',
    label: 'People and access',
    kinds: [
      'organisation.created',
      'organisation.updated',
      'member.added',
      'member.role_changed',
      'member.removed',
      'join_rule.created',
      'join_rule.deleted',
      'service_account.created',
      'service_account.deleted',
      'service_account.token_created',
      'service_account.token_revoked',
      'account.registered',
      'account.password_changed',
      'account.password_change_refused',
      'account.password_reset',
      'account.token_created',
      'account.token_revoked',
      'account.identity_connected',
      'account.identity_disconnected',
      'account.commit_address_added',
      'account.commit_address_removed',
    ],
  },
  {
    id: SIGN_INS,
    label: 'Sign-ins',
    kinds: ['account.signed_in', 'account.sign_in_refused', 'account.signed_out'],
  },
];

/** The kinds of a group or a single known kind; undefined for anything else. */
export function kindsOf(choice: string): readonly string[] | undefined {
  const group = kindGroups.find(({ id, kinds }) => id === choice || kinds.includes(choice));
  return group && (group.id === choice ? group.kinds : [choice]);
}

/** A kind in words: `Policy created`. */
export function kindLabel(kind: string): string {
  const words = kind.replaceAll(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
