import { useEffect } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { paths } from '#src/config/paths.ts';
import { useWaitingCount } from '#src/lib/waiting-count.ts';
import { setWindowTitle } from '#src/lib/window-title.ts';

/** How much is waiting for the user, on every page and in the window's title; nothing while nothing is. */
export default function WaitingLink() {
  const count = useWaitingCount();
  useEffect(() => {
    setWindowTitle({ waiting: count });
    return () => setWindowTitle({ waiting: 0 });
  }, [count]);
  if (count === 0) return null;
  return (
    <Link
      to={paths.home()}
      className="flex items-center gap-1.5 text-muted no-underline hover:text-ink pointer-coarse:min-h-11"
    >
      <span className="max-sm:sr-only">Waiting</span>
      <Badge tone="waiting" icon={null}>
        {count < 100 ? count : '100+'}
      </Badge>
    </Link>
  );
}
