import type { BadgeTone } from '#src/components/badge.tsx';
import {
  BuildState,
  type ReleaseIntentState,
  ReleaseIntentStatus,
  ReleaseStatus,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { uncertainText } from '#src/lib/uncertain-text.ts';
import { fullStop, listOf } from './ballot-labels.ts';
import { bypassText, type ReleaseFacts, type StatusSentence } from './status-sentence.ts';

/** How a release ended, and what became of its build. */
export function endedSentence(facts: ReleaseFacts, intent: ReleaseIntentState): StatusSentence {
  switch (intent.status) {
    case ReleaseIntentStatus.SUCCEEDED:
      return endSentence(facts, intent);
    case ReleaseIntentStatus.FAILED:
      return failureSentence(facts, intent);
    default:
      return { tone: 'neutral', text: cancelledText(facts, intent) };
  }
}

/** Of a release that succeeded: whether its build is still live in its last environment. */
function endSentence(
  { destinations = [], requirements }: ReleaseFacts,
  intent: ReleaseIntentState,
): StatusSentence {
  if (intent.prepareOnly) return { tone: 'passed', text: 'Prepared. Only the plans were run.' };
  const last = intent.stages.findLast(({ stageType }) => stageType === StageType.DEPLOY);
  const name = last?.environment ?? '';
  const places = destinations.filter(({ environment }) => environment === name);
  const having = (state: BuildState) => places.filter(({ buildState }) => buildState === state);
  const [live] = having(BuildState.LIVE);
  const bypass = last?.bypassedBy;
  const of = requirements?.environments.find(({ stageId }) => stageId === last?.stageId);
  const end = bypass ? ` ${bypassText(bypass, of)}` : '';
  const tone = (other: BadgeTone) => (bypass ? 'bypassed' : other);
  const [uncertain] = having(BuildState.UNCERTAIN);
  if (uncertain) {
    const why = uncertainText(uncertain);
    const reason = why ? `: ${why}` : '';
    return {
      tone: tone('waiting'),
      text: `Uncertain on ${name}: ${uncertain.destinationName}${reason}.${end}`,
    };
  }
  if (live) {
    const part = having(BuildState.LIVE).length < places.length ? ` (${live.destinationName})` : '';
    const approved = bypass ? '' : approvedLabel(live.live?.approvedBy ?? []);
    return {
      tone: tone('live'),
      text: `Live on ${name}${part}${live.live ? ` since ${live.live.since}` : ''}${approved}.${end}`,
    };
  }
  const [replaced] = having(BuildState.REPLACED);
  if (replaced) {
    const by = replaced.live?.version || replaced.replacedBySlug;
    const was = `Was live on ${name}${by ? `, replaced by ${by}` : ''}.${end}`;
    const elsewhere = destinations.find(({ buildState }) => buildState === BuildState.LIVE);
    if (!elsewhere?.live) return { tone: tone('neutral'), text: was };
    const { since, approvedBy } = elsewhere.live;
    return {
      tone: approvedBy.some((person) => person.endsWith(' (bypass)')) ? 'bypassed' : tone('live'),
      text: `Live on ${elsewhere.environment} since ${since}${approvedLabel(approvedBy)}. ${was}`,
    };
  }
  return { tone: tone('passed'), text: `Deployed to ${name}.${end}` };
}

const approvedLabel = (people: readonly string[]) =>
  people.length > 0 ? `, approved by ${listOf(people, 'and')}` : '';

/** The most destinations of a failed stage that are told apart. */
const MAX_PLACES = 3;

function failureSentence(facts: ReleaseFacts, intent: ReleaseIntentState): StatusSentence {
  const stage = intent.stages.find(({ status }) => status === Stage.FAILED);
  if (!stage) return { tone: 'failed', text: fullStop(`Failed: ${intent.errorMessage || 'a stage failed'}`) };
  const { environment: name = '', stageId, stageType, errorMessage } = stage;
  const ended = (...codes: ReleaseStatus[]) =>
    intent.steps.filter((step) => step.stageId === stageId && codes.includes(step.statusCode));
  const [broken] = ended(ReleaseStatus.FAILED, ReleaseStatus.TIMED_OUT);
  const reason =
    errorMessage || (broken && `${broken.destinationName}: ${broken.errorMessage || 'no reason given'}`);
  const why = fullStop(reason ? `: ${reason}` : '');
  if (stageType === StageType.PLAN) return { tone: 'failed', text: `Plan for ${name} failed${why}` };
  const verb = broken && ended(ReleaseStatus.FAILED).length === 0 ? 'Timed out' : 'Failed';
  const places = (facts.destinations ?? []).filter(({ environment }) => environment === name);
  const runs = places.flatMap(({ destinationName, live, buildState }) =>
    live
      ? [
          `${destinationName} ${buildState === BuildState.LIVE ? `runs ${facts.build}` : `still runs ${live.version || live.slug}`}`,
        ]
      : [],
  );
  const text = `${verb} on ${name}${why}`;
  return {
    tone: 'failed',
    text: runs.length > 0 && runs.length <= MAX_PLACES ? `${text} ${runs.join(', ')}.` : text,
  };
}

function cancelledText({ destinations = [] }: ReleaseFacts, intent: ReleaseIntentState): string {
  const { supersededBySlug, errorMessage } = intent;
  if (!supersededBySlug) {
    return fullStop(
      errorMessage && errorMessage !== 'cancelled' ? `Cancelled: ${errorMessage}` : 'Cancelled',
    );
  }
  const by = destinations.find(({ live }) => live?.slug === supersededBySlug)?.live;
  return `Superseded by ${by?.version || supersededBySlug}${by ? `, live since ${by.since}` : ''}.`;
}
