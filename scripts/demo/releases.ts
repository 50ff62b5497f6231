import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ReleaseIntentState,
  ReleaseIntentStatus,
  PipelineRunStageStatus as StageStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import type { Commit } from './commits.ts';
import type { People } from './people.ts';
import { project } from './project.ts';

/** A build of a commit. */
export interface Build extends Commit {
  readonly version: string;
}

/** A pipeline, or environments for a direct release. */
export interface Target {
  readonly pipeline?: string;
  readonly environments?: readonly string[];
}

/** What the scenario does with builds. */
export interface ReleaseSteps {
  /** Annotates a build, or finds the artifact of an interrupted start. */
  annotate(step: string, build: Build, branch: string): Promise<string>;
  /** Requests a release as the author, or finds the one that exists. */
  release(artifactId: string, target: Target): Promise<string>;
  approve(who: 'reviewer' | 'reviewer-two', intentId: string, comment?: string): Promise<void>;
  /** Waits until the stage has the status, for at most a minute. */
  stageReaches(intentId: string, stageId: string, status: StageStatus): Promise<void>;
  /** Waits until the release has ended with the status, for at most a minute. */
  ends(intentId: string, status: ReleaseIntentStatus): Promise<void>;
}

const TIMEOUT_MS = 60_000;

const nameOf = <T extends number>(names: Readonly<Record<string, T>>, value: T): string =>
  Object.keys(names).find((name) => names[name] === value) ?? String(value);

/** The steps, called through the API that the dashboard uses. */
export function releaseSteps(people: People): ReleaseSteps {
  const { author } = people;

  const intentsOf = async (artifactId?: string): Promise<ReleaseIntentState[]> => {
    const { releaseIntents } = await author.releases.getReleaseIntentStates({
      ...project,
      artifactId,
      includeCompleted: true,
      pageSize: 100,
    });
    return releaseIntents;
  };

  const until = async (
    intentId: string,
    what: string,
    isReached: (intent: ReleaseIntentState) => boolean,
  ): Promise<void> => {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
      const intent = (await intentsOf()).find((one) => one.releaseIntentId === intentId);
      if (intent !== undefined && isReached(intent)) return;
      if (Date.now() > deadline) {
        const stages = intent?.stages
          .map((stage) => `${stage.stageId} ${nameOf(StageStatus, stage.status)}`)
          .join(', ');
        throw new Error(`Release ${intentId} did not reach ${what} within a minute: ${stages}`);
      }
      await sleep(200);
    }
  };

  return {
    async annotate(step, build, branch) {
      const { artifact: known } = await author.releases.getArtifactsByProject({ project, pageSize: 100 });
      const found = known.find((artifact) => artifact.metadata.demo === step);
      if (found !== undefined) return found.artifactId;
      const { artifact } = await author.releases.annotateRelease({
        project,
        metadata: { demo: step },
        source: { user: 'author', sourceType: 'demo' },
        context: { title: build.title, description: build.description },
        ref: {
          commitSha: build.sha,
          branch,
          commitMessage: [build.title, build.description].filter((text) => text !== '').join('\n\n'),
          version: build.version,
        },
      });
      if (artifact === undefined) throw new Error('AnnotateRelease returned no artifact');
      return artifact.artifactId;
    },

    async release(artifactId, { pipeline, environments }) {
      const [existing] = await intentsOf(artifactId);
      if (existing !== undefined) return existing.releaseIntentId;
      const { intents } = await author.releases.release({
        artifactId,
        environments: [...(environments ?? [])],
        usePipeline: pipeline !== undefined,
        pipeline,
      });
      const [intent] = intents;
      if (intent === undefined) throw new Error('Release returned no intent');
      return intent.releaseIntentId;
    },

    async approve(who, releaseIntentId, comment) {
      const targetEnvironment = 'production';
      await people[who].policies.approveRelease({ project, releaseIntentId, targetEnvironment, comment });
    },

    stageReaches: (intentId, stageId, status) =>
      until(intentId, `${stageId} ${nameOf(StageStatus, status)}`, ({ stages }) =>
        stages.some((stage) => stage.stageId === stageId && stage.status === status),
      ),

    ends: (intentId, status) =>
      until(intentId, nameOf(ReleaseIntentStatus, status), (intent) => intent.status === status),
  };
}
