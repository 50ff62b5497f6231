import { type ReactNode, useState } from 'react';
import { useNavigate } from 'react-router';
import { Button } from '#src/components/button.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import { paths } from '#src/config/paths.ts';
import type { DeployableBuild } from '#src/features/releases/deploy-button.tsx';
import { logStage, targetOf } from '#src/features/releases/release-target.ts';
import { stepsOf } from '#src/features/releases/stage-labels.ts';
import { type ReleaseIntentState, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { useShortcuts } from '#src/lib/shortcuts.ts';

const loadDeployDialog = () => import('#src/features/releases/deploy-dialog.tsx');
const loadLogDialog = () => import('#src/features/releases/log-dialog.tsx');

export interface ReleaseActionsProps {
  readonly build: DeployableBuild;
  /** The shown release. */
  readonly intent: ReleaseIntentState;
  /** Whether another release of the build is under way. */
  readonly several: boolean;
}

/** The keys of a release's page, and beside the status of a failed release **Logs** and **Deploy again…**. */
export default function ReleaseActions({ build, intent, several }: ReleaseActionsProps): ReactNode {
  const navigate = useNavigate();
  const [open, setOpen] = useState<'logs' | 'deploy'>();
  const close = () => setOpen(undefined);
  const logs = useLoadedOnOpen(open === 'logs', close, loadLogDialog);
  const deploy = useLoadedOnOpen(open === 'deploy', close, loadDeployDialog);
  const stage = logStage(intent);
  const steps = stage ? stepsOf(stage, intent.steps) : [];
  const readable = stage && steps.length > 0 ? (stage.environment ?? stage.stageId) : undefined;
  useShortcuts({
    // None moves the focus to a vote, so that no letter and Enter send one.
    c: { run: () => document.querySelector<HTMLElement>('[data-side] textarea')?.focus() },
    l: { run: () => readable && setOpen('logs') },
    u: { run: () => navigate(paths.project(build.organisation, build.project)) },
  });
  const look = '-my-1.5 shrink-0 pointer-coarse:-my-3';
  return (
    <>
      {intent.status === ReleaseIntentStatus.FAILED && (
        <>
          {readable && (
            <Button variant="text" className={look} onClick={() => setOpen('logs')}>
              Logs<span className="sr-only"> of what failed</span>
            </Button>
          )}
          {!several && (
            <Button variant="text" className={look} onClick={() => setOpen('deploy')}>
              Deploy again…
            </Button>
          )}
        </>
      )}
      {open === 'logs' && logs && readable && (
        <logs.LogDialog title={`Logs of ${readable}`} steps={steps} slug={intent.slug} onClose={close} />
      )}
      {open === 'deploy' && deploy && (
        <deploy.DeployDialog {...build} again={targetOf(intent)} onClose={close} />
      )}
    </>
  );
}
