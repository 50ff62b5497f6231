import { ArrowRight } from 'lucide-react';
import { lazy, memo, useMemo } from 'react';
import { Link } from 'react-router';
import { ExternalLink } from '#src/components/external-link.tsx';
import { Fold } from '#src/components/fold.tsx';
import { ShortTime } from '#src/components/relative-time.tsx';
import { Section } from '#src/components/section.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import type {
  DestinationState,
  GetReleaseComparisonResponse,
  ReleaseIntentState,
} from '#src/gen/forest/v1/releases_pb.ts';
import { buildName } from '#src/lib/build-words.ts';
import { describeError } from '#src/lib/errors.ts';
import { webAddress } from '#src/lib/web-address.ts';
import {
  betweenLabel,
  comparisonView,
  liveRevision,
  MAX_OPEN,
  waitingEnvironments,
} from './comparison-view.ts';
import { comparisonInput, useComparison } from './queries.ts';

// The lists are long and seldom opened.
const loadLists = () => import('./comparison-lists.tsx');
const Commits = lazy(() => loadLists().then((lists) => ({ default: lists.Commits }), notLoaded));
const Builds = lazy(() => loadLists().then((lists) => ({ default: lists.Builds }), notLoaded));
const notLoaded = () => ({
  default: () => <p className="text-muted">Couldn't load the list. Load the page again.</p>,
});

export interface ComparisonSectionProps {
  readonly organisation: string;
  readonly project: string;
  readonly artifactId: string;
  /** What people call the build: its version, else its slug. */
  readonly name: string;
  readonly intent: ReleaseIntentState | undefined;
  readonly destinations: readonly DestinationState[] | undefined;
}

/** **What you are approving**: per environment at whose gate the release waits, the live build and what changes. Nothing else shows it. */
export const ComparisonSection = memo(function ComparisonSection({
  intent,
  destinations,
  ...build
}: ComparisonSectionProps) {
  const environments = useMemo(() => waitingEnvironments(intent), [intent]);
  if (environments.length === 0) return null;
  const row = (environment: string) => (
    <EnvironmentComparison
      key={environment}
      {...build}
      environment={environment}
      revision={liveRevision(destinations, environment)}
    />
  );
  const more = environments.slice(MAX_OPEN);
  return (
    <Section title="What you are approving" flush>
      {environments.slice(0, MAX_OPEN).map(row)}
      {more.map((environment) => (
        <Fold key={environment} label={environment}>
          {() => row(environment)}
        </Fold>
      ))}
    </Section>
  );
});

type BuildProps = Omit<ComparisonSectionProps, 'intent' | 'destinations'>;

export interface ComparisonProps extends BuildProps {
  readonly environment: string;
  /** As in `useComparison`. */
  readonly revision?: string | undefined;
  /** Without the cautions, where they stand beside it, and without advice. */
  readonly brief?: boolean;
}

function EnvironmentComparison(props: ComparisonProps) {
  return (
    // The height while it loads is the usual one, so that nothing below moves.
    <div className="min-h-28 border-line px-4 py-3 text-sm not-first:border-t">
      <h3 className="font-semibold wrap-anywhere">
        <UserText>{props.environment}</UserText>
      </h3>
      <Comparison {...props} />
    </div>
  );
}

/** The live build of an environment and what changes. */
export function Comparison({ environment, revision, brief = false, ...build }: ComparisonProps) {
  const { organisation, project, artifactId } = build;
  const query = useComparison(comparisonInput(organisation, project, artifactId, environment), revision);
  if (query.data) return <Difference {...build} brief={brief} answer={query.data} />;
  return query.isError ? (
    <Failed
      title="Couldn't compare with what is live"
      message={describeError(query.error).message}
      onRetry={() => query.refetch()}
      retrying={query.isFetching}
    />
  ) : (
    <Loading />
  );
}

function Difference({
  organisation,
  project,
  artifactId,
  name,
  brief,
  answer,
}: BuildProps & { readonly brief: boolean; readonly answer: GetReleaseComparisonResponse }) {
  const { live, empty, newer, uncertain, commits, between, noCommits } = comparisonView(answer, artifactId);
  const compare = webAddress(answer.compareUrl);
  return (
    <div className="flex flex-col gap-1">
      <p className="wrap-anywhere">
        {live.length === 0 && 'Nothing is live yet'}
        {live.map(({ build, on }, index) => (
          <span key={build.artifactId}>
            {index > 0 && ', '}
            <Link to={paths.release(organisation, project, build.slug)}>
              <UserText>{buildName(build)}</UserText>
            </Link>{' '}
            <span className="text-muted">
              (live since <ShortTime value={build.since} />
              {on && (
                <>
                  {' '}
                  on <UserText>{on}</UserText>
                </>
              )}
              )
            </span>
          </span>
        ))}
        {empty && (
          <span className="text-muted">
            , nothing on <UserText>{empty}</UserText>
          </span>
        )}{' '}
        <ArrowRight aria-label="becomes" size={14} className="inline align-[-2px]" />{' '}
        <strong className="font-semibold">
          <UserText>{name}</UserText>
        </strong>
      </p>
      {!brief && newer && (
        <p className="font-medium text-failed wrap-anywhere">
          <UserText>{newer}</UserText>
        </p>
      )}
      {!brief && uncertain && (
        <p className="text-waiting wrap-anywhere">
          <UserText>{uncertain}</UserText>
        </p>
      )}
      {(commits || compare) && (
        <p className="flex flex-wrap gap-x-4">
          {commits}
          {compare && <ExternalLink to={compare}>Compare</ExternalLink>}
        </p>
      )}
      {answer.commits.length > 0 && (
        <Fold label="Show commits">
          {() => <Commits commits={answer.commits} total={answer.commitsTotal} />}
        </Fold>
      )}
      {between.length > 0 && (
        <Fold label={betweenLabel(between)}>
          {() => <Builds organisation={organisation} project={project} builds={between} />}
        </Fold>
      )}
      {!brief && noCommits && (
        <p className="text-muted">
          CI sent no commits with these builds. Send <code>commits</code> with AnnotateRelease to list them
          here.
        </p>
      )}
    </div>
  );
}
