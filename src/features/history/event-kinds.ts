/**
 * The verb between actor and subject: "admin *created policy* approve-production". The subjects of members, users, join
 * rules and access tokens start with these nouns.
 */
const messages: Readonly<Record<string, string>> = {
  'organisation.created': 'created',
  'organisation.updated': 'changed the settings of',
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
  'destination.settled': 'settled what runs on',
  'destination.freed': 'freed destination',
  'destination.deleted': 'deleted destination',
  'policy.created': 'created policy',
  'policy.updated': 'changed policy',
  'policy.deleted': 'deleted policy',
  'pipeline.created': 'created pipeline',
  'pipeline.updated': 'changed pipeline',
  'pipeline.deleted': 'deleted pipeline',
  'artifact.annotated': 'annotated',
  'release.requested': 'requested the release of',
  'release.succeeded': 'completed the release of',
  'release.failed': 'recorded a failed release of',
  'release.cancelled': 'cancelled the release of',
  'release.superseded': 'superseded stage',
  'approval.approved': 'approved',
  'approval.rejected': 'rejected',
  'approval.withdrawn': 'withdrew the vote on',
  'approval.bypassed': 'bypassed the approval of',
  'gate.opened': 'opened the gate of',
  'plan.succeeded': 'planned',
  'plan.failed': 'failed to plan',
  'plan.timed_out': 'timed out planning',
  'plan.repeated': 'repeated the plan of stage',
  'plan.approved': 'approved the plan of stage',
  'plan.rejected': 'rejected the plan of stage',
  'stage.retried': 'retried stage',
  'hold.began': 'held newer builds back from',
  'hold.ended': 'ended the hold of',
  'deployment.succeeded': 'deployed',
  'deployment.failed': 'failed to deploy',
  'deployment.timed_out': 'timed out deploying',
  'deployment.reported_late': 'reported late on',
  'account.registered': 'registered',
  'account.signed_in': 'signed in',
  'account.sign_in_refused': 'failed to sign in',
  'account.signed_out': 'ended sessions of',
  'account.password_changed': 'changed the password of',
  'account.password_change_refused': 'failed to change the password of',
  'account.password_reset': 'reset the password of',
  'account.token_created': 'created',
  'account.token_revoked': 'revoked',
  'account.commit_address_added': 'added',
  'account.commit_address_removed': 'removed',
  'service_account.created': 'created',
  'service_account.deleted': 'deleted',
  'service_account.token_created': 'created a token for',
  'service_account.token_revoked': 'revoked a token of',
};

/** The verb of a kind of event; an unknown kind is shown by its name. */
export function kindMessage(kind: string): string {
  return messages[kind] ?? kind.replaceAll(/[._]/g, ' ');
}

/** Whether an event of this kind is about its own actor, so that its subject repeats the actor's name. */
export function subjectIsActor(kind: string): boolean {
  return kind === 'account.signed_in' || kind === 'account.sign_in_refused';
}

/** The kinds by their noun, for the filter. */
export const kindGroups: readonly { readonly noun: string; readonly kinds: readonly string[] }[] = grouped();

/** A kind's name in the filter: `role changed`. */
export function kindLabel(kind: string): string {
  return kind.slice(kind.indexOf('.') + 1).replaceAll('_', ' ');
}

function grouped() {
  const groups = new Map<string, string[]>();
  for (const kind of Object.keys(messages)) {
    const noun = kind.slice(0, kind.indexOf('.'));
    groups.set(noun, [...(groups.get(noun) ?? []), kind]);
  }
  return [...groups].map(([noun, kinds]) => ({ noun, kinds }));
}

/** Whether the filter lists a kind. */
export function isKnownKind(kind: string): boolean {
  return kind in messages;
}
