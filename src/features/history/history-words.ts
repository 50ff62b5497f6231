/**
 * What happened, as a person would say it between who did it and to what: "admin *created policy* approve-production".
 * Members, users, join rules and access tokens are called so in what is recorded of them.
 */
const words: Readonly<Record<string, string>> = {
  'organisation.created': 'created',
  'member.added': 'added',
  'member.role_changed': 'changed the role of',
  'member.removed': 'removed',
  'join_rule.created': 'created',
  'join_rule.deleted': 'deleted',
  'account.identity_connected': 'connected a sign-in provider to',
  'account.identity_disconnected': 'disconnected a sign-in provider from',
  'project.created': 'created project',
  'project.updated': 'changed project',
  'environment.created': 'created environment',
  'environment.updated': 'changed environment',
  'environment.deleted': 'deleted environment',
  'destination.created': 'created destination',
  'destination.updated': 'changed destination',
  'destination.deleted': 'deleted destination',
  'policy.created': 'created policy',
  'policy.updated': 'changed policy',
  'policy.deleted': 'deleted policy',
  'pipeline.created': 'created pipeline',
  'pipeline.updated': 'changed pipeline',
  'pipeline.deleted': 'deleted pipeline',
  'artifact.annotated': 'annotated',
  'release.requested': 'asked for the release of',
  'release.succeeded': 'completed the release of',
  'release.failed': 'ended as failed the release of',
  'release.cancelled': 'cancelled the release of',
  'approval.approved': 'approved',
  'approval.rejected': 'rejected',
  'approval.bypassed': 'bypassed the approval of',
  'gate.opened': 'opened the gate of',
  'plan.succeeded': 'planned',
  'plan.failed': 'failed to plan',
  'plan.timed_out': 'ran out of time planning',
  'plan.approved': 'approved plan',
  'plan.rejected': 'rejected plan',
  'deployment.succeeded': 'deployed',
  'deployment.failed': 'failed to deploy',
  'deployment.timed_out': 'ran out of time deploying',
  'account.registered': 'registered',
  'account.signed_in': 'signed in as',
  'account.sign_in_refused': 'was refused to sign in as',
  'account.signed_out': 'ended sessions of',
  'account.password_changed': 'changed the password of',
  'account.password_change_refused': 'was refused to change the password of',
  'account.password_reset': 'reset the password of',
  'account.token_created': 'made',
  'account.token_revoked': 'revoked',
  'service_account.created': 'created service account',
  'service_account.deleted': 'deleted service account',
  'service_account.token_created': 'made a token for',
  'service_account.token_revoked': 'revoked a token of',
};

/** The words for a kind of event; those of a kind that is new here are made of its name. */
export function kindWords(kind: string): string {
  return words[kind] ?? kind.replaceAll(/[._]/g, ' ');
}

/** The kinds to filter by, by what they are about: each with the thing and what was done. */
export const kindGroups: readonly { readonly thing: string; readonly kinds: readonly string[] }[] = grouped();

/** A kind's name in the filter: `role changed`. */
export function kindLabel(kind: string): string {
  return kind.slice(kind.indexOf('.') + 1).replaceAll('_', ' ');
}

function grouped() {
  const groups = new Map<string, string[]>();
  for (const kind of Object.keys(words)) {
    const thing = kind.slice(0, kind.indexOf('.'));
    groups.set(thing, [...(groups.get(thing) ?? []), kind]);
  }
  return [...groups].map(([thing, kinds]) => ({ thing, kinds }));
}

/** Whether a kind is one that the filter lists by itself. */
export function isKnownKind(kind: string): boolean {
  return kind in words;
}
