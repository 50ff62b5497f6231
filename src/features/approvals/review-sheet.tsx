import type { ReactNode } from 'react';
import { Dialog } from '#src/components/dialog.tsx';
import { ShortTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { EnvironmentRequirements } from '#src/gen/forest/v1/policies_pb.ts';
import { buildName } from '#src/lib/build-words.ts';

export interface ReviewSheetProps {
  readonly environment: EnvironmentRequirements;
  /** What is voted on. */
  readonly identity: string;
  /** The decisions and the vote form. */
  readonly children: ReactNode;
  readonly onClose: () => void;
}

/** The vote on one environment, from the bottom of a narrow window. Mounted while open. */
export function ReviewSheet({ environment, identity, children, onClose }: ReviewSheetProps) {
  const { environment: name, live } = environment;
  return (
    <Dialog
      open
      sheet
      onOpenChange={(open) => !open && onClose()}
      title={`Review for ${name}`}
      description={identity}
    >
      <div data-sheet className="flex flex-col gap-3">
        {live.length === 0 && <p className="text-sm">Nothing is live yet.</p>}
        {live.map((build) => (
          <p key={build.artifactId} className="text-sm wrap-anywhere">
            Replaces{' '}
            <strong className="font-semibold">
              <UserText>{buildName(build)}</UserText>
            </strong>
            , live since <ShortTime value={build.since} />
          </p>
        ))}
        {children}
      </div>
    </Dialog>
  );
}
