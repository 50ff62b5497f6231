import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ReleaseIntentState,
  ReleaseIntentStatus,
  PipelineRunStageStatus as StageStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import type { Commit } from './commits.ts';
import type { People } from './people.ts';
import { project } from './place.ts';

/** A commit, built. */
export interface Build extends Commit {
  readonly version: string;
}

/** Which way a build goes. */
export interface Way {
  readonly pipeline?: string;
  readonly environments?: readonly string[];
}

/** What people do with one build, in the words of the demo's story. */
export interface Desk {
  /** Annotates the build of a commit, or finds the one that an interrupted start left behind. */
  annotate(part: string, build: Build, branch: string): Promise<string>;
  /** The author asks for a release of the build; the same one if it was asked for before. */
  release(artifactId: string, way: Way): Promise<string>;
  approve(who: 'reviewer' | 'reviewer-two', intentId: string, comment?: string): Promise<void>;
  /** Waits until the stage has the status; at most a minute. */
  reaches(intentId: string, stageId: string, status: StageStatus): Promise<void>;
  /** Waits until the intent has ended; at most a minute. */
  ends(intentId: string, status: ReleaseIntentStatus): Promise<void>;
}

const patience = 60_000;

const nameOf = <T extends number>(names: Readonly<Record<string, T>>, value: T): string =>
  Object.keys(names).find((name) => names[name] === value) ?? String(value);

/** The desk at which the author's releases are made, and watched by the same API that the dashboard polls. */
export function openDesk(people: People): Desk {
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
    holds: (intent: ReleaseIntentState) => boolean,
  ): Promise<void> => {
    const deadline = Date.now() + patience;
    for (;;) {
      const intent = (await intentsOf()).find((one) => one.releaseIntentId === intentId);
      if (intent !== undefined && holds(intent)) return;
      if (Date.now() > deadline) {
        const stages = intent?.stages
          .map((stage) => `${stage.stageId} ${nameOf(StageStatus, stage.status)}`)
          .join(', ');
        throw new Error(`the demo's release ${intentId} did not come to ${what} within a minute: ${stages}`);
      }
      await sleep(200);
    }
  };

  return {
    async annotate(part, build, branch) {
      const { artifact: known } = await author.releases.getArtifactsByProject({ project, pageSize: 100 });
      const found = known.find((artifact) => artifact.metadata.demo === part);
      if (found !== undefined) return found.artifactId;
      const { artifact } = await author.releases.annotateRelease({
        project,
        metadata: { demo: part },
        source: { user: 'author', sourceType: 'demo' },
        context: { title: build.title, description: build.description },
        ref: {
          commitSha: build.sha,
          branch,
          commitMessage: [build.title, build.description].filter((text) => text !== '').join('\n\n'),
          version: build.version,
        },
      });
      if (artifact === undefined) throw new Error('an annotated artifact was not answered');
      return artifact.artifactId;
    },

    async release(artifactId, { pipeline, environments }) {
      const [standing] = await intentsOf(artifactId);
      if (standing !== undefined) return standing.releaseIntentId;
      const { intents } = await author.releases.release({
        artifactId,
        environments: [...(environments ?? [])],
        usePipeline: pipeline !== undefined,
        pipeline,
      });
      const [intent] = intents;
      if (intent === undefined) throw new Error('a release answered no intent');
      return intent.releaseIntentId;
    },

    async approve(who, releaseIntentId, comment) {
      const targetEnvironment = 'production';
      await people[who].policies.approveRelease({ project, releaseIntentId, targetEnvironment, comment });
    },

    reaches: (intentId, stageId, status) =>
      until(intentId, `${stageId} ${nameOf(StageStatus, status)}`, ({ stages }) =>
        stages.some((stage) => stage.stageId === stageId && stage.status === status),
      ),

    ends: (intentId, status) =>
      until(
        intentId,
        `its end, ${nameOf(ReleaseIntentStatus, status)}`,
        (intent) => intent.status === status,
      ),
  };
}
