import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { paths } from '#src/config/paths.ts';
import type { HistoryEntry } from '#src/gen/forest/v1/policies_pb.ts';
import { kindLabel } from './event-kinds.ts';

/** A part of a message: plain words, something named, or something with a page. */
export type Part = string | { readonly name: string; readonly to?: string; readonly title?: string };

type About = Pick<
  HistoryEntry,
  | 'kind'
  | 'actorUserId'
  | 'actorUsername'
  | 'organisation'
  | 'project'
  | 'releaseIntentId'
  | 'subject'
  | 'before'
  | 'after'
  | 'slug'
  | 'title'
  | 'version'
>;

/** What a person did: the words between actor and object. */
const verbs: Readonly<Record<string, string>> = {
  'organisation.created': 'created',
  'organisation.updated': 'changed the settings of',
  'member.added': 'added',
  'member.role_changed': 'changed the role of',
  'member.removed': 'removed',
  'join_rule.created': 'created',
  'join_rule.deleted': 'deleted',
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
  'release.cancelled': 'cancelled the release of',
  'approval.approved': 'approved',
  'approval.rejected': 'rejected',
  'approval.withdrawn': 'withdrew the vote on',
  'approval.bypassed': 'bypassed the approval of',
  'plan.approved': 'approved the plan of',
  'plan.rejected': 'rejected the plan of',
  'plan.repeated': 'repeated the plan of',
  'stage.retried': 'retried',
  'hold.ended': 'ended the hold of',
  'account.registered': 'registered',
  'account.signed_out': 'ended sessions of',
  'account.password_changed': 'changed the password of',
  'account.password_change_refused': 'failed to change the password of',
  'account.password_reset': 'reset the password of',
  'account.token_created': 'created',
  'account.token_revoked': 'revoked',
  'account.identity_connected': 'connected a sign-in provider to',
  'account.identity_disconnected': 'disconnected a sign-in provider from',
  'account.commit_address_added': 'added',
  'account.commit_address_removed': 'removed',
  'service_account.created': 'created service account',
  'service_account.deleted': 'deleted service account',
  'service_account.token_created': 'created a token for service account',
  'service_account.token_revoked': 'revoked a token of service account',
};

/** Kinds that are about their own actor, so that their subject repeats the actor's name. */
const ownDeeds: Readonly<Record<string, string>> = {
  'account.signed_in': 'signed in',
  'account.sign_in_refused': 'failed to sign in',
};

/** An entry as a sentence, with names and links. */
export function historyMessage(entry: About): readonly Part[] {
  const { kind, actorUserId, actorUsername } = entry;
  if (!actorUserId) return happened(entry);
  const actor: Part = { name: actorUsername };
  const own = ownDeeds[kind];
  if (own) return [actor, ` ${own}`];
  return [actor, ` ${verbs[kind] ?? kindLabel(kind).toLowerCase()} `, ...objectOf(entry)];
}

/** What happened without a person, and why. */
function happened(entry: About): readonly Part[] {
  const { kind } = entry;
  const build = buildOf(entry);
  const environment = field(entry.after, 'environment');
  const destination = field(entry.after, 'destination');
  const error = field(entry.after, 'error');
  const place = [environmentLink(entry, environment), ...(destination ? [`/${destination}`] : [])];
  const because = error ? `: ${error}` : '';
  switch (build && kind) {
    case 'gate.opened':
      return [
        { ...environmentLink(entry, environment), name: capitalised(environment) },
        ' opened for ',
        ...named(build),
        `: ${reasonsOf(entry.after)}`,
      ];
    case 'release.succeeded':
      return ['Release of ', ...named(build), ' completed'];
    case 'release.failed':
      return ['Release of ', ...named(build), ` failed${because}`];
    case 'release.superseded': {
      const stage = field(entry.after, 'stage');
      const by = field(entry.after, 'by');
      return ['Release of ', ...named(build), ` superseded${stage && ` in ${stage}`}${by && ` by ${by}`}`];
    }
    case 'deployment.succeeded':
      return [...named(build), ' deployed to ', ...place];
    case 'deployment.failed':
      return ['Deployment of ', ...named(build), ' to ', ...place, ` failed${because}`];
    case 'deployment.timed_out':
      return ['Deployment of ', ...named(build), ' to ', ...place, ' timed out'];
    case 'deployment.reported_late':
      return [...place, ' reported the deployment of ', ...named(build), ` late${because}`];
    case 'plan.succeeded':
      return ['Plan of ', ...named(build), ' for ', ...place, ' made'];
    case 'plan.failed':
      return ['Plan of ', ...named(build), ' for ', ...place, ` failed${because}`];
    case 'plan.timed_out':
      return ['Plan of ', ...named(build), ' for ', ...place, ' timed out'];
    case 'plan.reported_late':
      return [...place, ' reported the plan of ', ...named(build), ` late${because}`];
    case 'hold.began': {
      const held = environmentLink(entry, environment);
      return ['Newer builds held back from ', held, ' after the rollback to ', ...named(build)];
    }
    case 'hold.ended':
      return [
        'Hold of ',
        environmentLink(entry, entry.subject),
        ' ended, because ',
        ...named(build),
        ' is live',
      ];
    default:
      return [{ name: 'Forage' }, ` ${verbs[kind] ?? kindLabel(kind).toLowerCase()} `, ...objectOf(entry)];
  }
}

/** `2/2 approvals, soaked 30m in staging`. */
function reasonsOf(after: JsonObject | undefined): string {
  const policies = after?.policies;
  if (!Array.isArray(policies) || policies.length === 0) return 'no policy';
  return policies.map((policy) => field(policy, 'reason') || field(policy, 'policyName')).join(', ');
}

/** The object of the sentence: a build and where, or what was changed. */
function objectOf(entry: About): readonly Part[] {
  const { kind, organisation, project, subject } = entry;
  const inProject: Part[] = project
    ? [' in ', { name: project, to: paths.project(organisation, project) }]
    : [];
  const build = buildOf(entry);
  if (build) {
    const slug = entry.slug ?? subject;
    if (subject === slug) return named(build);
    const forSlug = ` for ${slug}`;
    if (subject.endsWith(forSlug)) {
      const place = subject.slice(0, -forSlug.length);
      return kind.startsWith('approval.')
        ? [...named(build), ' for ', environmentLink(entry, place)]
        : [...named(build), `, stage ${place}`];
    }
  }
  const noun = kind.slice(0, kind.indexOf('.'));
  const isThere = !kind.endsWith('.deleted');
  if (noun === 'policy' && project && isThere)
    return [{ name: subject, to: paths.policy(organisation, project, subject) }, ...inProject];
  if (noun === 'pipeline' && project && isThere)
    return [{ name: subject, to: paths.pipeline(organisation, project, subject) }, ...inProject];
  if (noun === 'project') return [{ name: subject, to: paths.project(organisation, subject) }];
  if ((noun === 'environment' && isThere) || noun === 'hold')
    return [environmentLink(entry, subject), ...inProject];
  return [{ name: subject }, ...inProject];
}

interface Build {
  readonly name: string;
  readonly to: string;
  /** Absent where the name is the title. */
  readonly title?: string;
}

/** The build of a release's entry: `checkout 1.5.0`, or its title without a version. */
function buildOf(entry: About): Build | undefined {
  const { kind, organisation, project, releaseIntentId, subject, after } = entry;
  if (!project) return undefined;
  const annotated = kind === 'artifact.annotated';
  const slug = annotated ? subject : entry.slug;
  if (!slug) return undefined;
  const title = (annotated ? field(after, 'title') : entry.title) || slug;
  const version = annotated ? field(after, 'version') : entry.version;
  const to = paths.release(organisation, project, slug, annotated ? undefined : releaseIntentId);
  return version ? { name: `${project} ${version}`, to, title } : { name: `${project}: ${title}`, to };
}

const named = (build: Build | undefined): readonly Part[] => (build ? [build] : []);

/** An environment, linked to its lane on the project's page; without a project, to the organisation's environments. */
const environmentLink = ({ organisation, project }: About, name: string) => ({
  name,
  to: project ? paths.environment(organisation, project, name) : paths.environments(organisation),
});

/** What the actor wrote: a comment or a reason. */
export function commentOf({ after }: Pick<HistoryEntry, 'after'>): string {
  return field(after, 'comment') || field(after, 'reason');
}

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** A text of a recorded state; empty if there is none. */
function field(state: JsonValue | undefined, key: string): string {
  const value = typeof state === 'object' && state !== null && !Array.isArray(state) ? state[key] : undefined;
  return typeof value === 'string' ? value : '';
}
