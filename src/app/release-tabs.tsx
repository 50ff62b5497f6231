import type { KeyboardEvent, ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { toneText } from '#src/components/badge.tsx';
import { classNames } from '#src/components/class-names.ts';
import { ShortTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { releaseParameter } from '#src/config/paths.ts';
import { releaseName } from '#src/features/releases/release-target.ts';
import type { ReleaseIntentState } from '#src/gen/forest/v1/releases_pb.ts';
import { keepDrafts } from '#src/lib/draft.ts';
import { intentStatus } from '#src/lib/intent-status.ts';
import { useSession } from '#src/lib/session.ts';
import { releasePanelId, releaseTabId } from './release-tab-id.ts';

export interface ReleaseTabsProps {
  /** The shown release, and the other active ones of the build. */
  readonly intents: readonly ReleaseIntentState[];
  readonly currentId: string | undefined;
}

/** A tab per release of the build, oldest first, so that a new one moves no other. The address names the chosen one. */
export default function ReleaseTabs({ intents, currentId }: ReleaseTabsProps): ReactNode {
  const [, setSearch] = useSearchParams();
  const session = useSession();
  const tabs = [...intents].sort(
    (a, b) => a.createdAt.localeCompare(b.createdAt) || a.releaseIntentId.localeCompare(b.releaseIntentId),
  );
  const names = tabs.map(releaseName);
  const choose = (releaseIntentId: string) => {
    // A typed comment is there again when its release is.
    keepDrafts(session?.user?.userId);
    setSearch({ [releaseParameter]: releaseIntentId }, { replace: true, preventScrollReset: true });
  };
  const chooseByKey = (event: KeyboardEvent, index: number) => {
    const target = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: -1 }[event.key];
    const next = target === undefined ? undefined : tabs.at(target % tabs.length);
    if (!next) return;
    event.preventDefault();
    choose(next.releaseIntentId);
    document.getElementById(releaseTabId(next.releaseIntentId))?.focus();
  };
  return (
    <div
      role="tablist"
      aria-label="Active releases of this build"
      className="flex min-h-10 flex-wrap gap-x-5 border-b border-line text-sm"
    >
      {tabs.map((intent, index) => {
        const { releaseIntentId } = intent;
        const isCurrent = releaseIntentId === currentId;
        const name = names[index] ?? '';
        const { label, tone } = intentStatus(intent);
        return (
          <button
            key={releaseIntentId}
            type="button"
            role="tab"
            id={releaseTabId(releaseIntentId)}
            aria-selected={isCurrent}
            aria-controls={releasePanelId}
            tabIndex={isCurrent ? 0 : -1}
            className={classNames(
              '-mb-px cursor-pointer border-b-2 py-2 text-left wrap-anywhere pointer-coarse:min-h-11',
              isCurrent ? 'border-ink font-medium' : 'border-transparent text-muted hover:text-ink',
            )}
            onClick={() => choose(releaseIntentId)}
            onKeyDown={(event) => chooseByKey(event, index)}
          >
            <UserText>{name}</UserText>
            {names.indexOf(name) !== names.lastIndexOf(name) && (
              <>
                , requested <ShortTime value={intent.createdAt} />
              </>
            )}{' '}
            <span className={`text-xs font-normal ${toneText[tone]}`}>{label}</span>
          </button>
        );
      })}
    </div>
  );
}
