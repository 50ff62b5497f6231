import { Link } from 'react-router';
import { UserText } from './user-text.tsx';

export interface Crumb {
  readonly label: string;
  /** Absent for the page itself. */
  readonly to?: string;
}

export function Crumbs({ items }: { readonly items: readonly Crumb[] }) {
  return (
    <nav aria-label="Breadcrumb" className="min-w-0">
      <ol className="flex flex-wrap items-center gap-x-1.5 text-sm text-muted">
        {items.map((crumb, index) => (
          <li key={crumb.to ?? crumb.label} className="flex min-w-0 items-center gap-1.5">
            {index > 0 && <span aria-hidden>/</span>}
            {crumb.to ? (
              <Link
                to={crumb.to}
                className="text-muted wrap-anywhere hover:text-ink pointer-coarse:-my-3 pointer-coarse:py-3"
              >
                <UserText>{crumb.label}</UserText>
              </Link>
            ) : (
              <span aria-current="page" className="wrap-anywhere">
                <UserText>{crumb.label}</UserText>
              </span>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
