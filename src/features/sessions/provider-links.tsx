import { buttonLook } from '#src/components/button.tsx';
import { paths } from '#src/config/paths.ts';
import type { SignInProvider } from '#src/gen/forest/v1/sessions_pb.ts';

export interface ProviderLinksProps {
  readonly providers: readonly Pick<SignInProvider, 'provider' | 'name'>[];
  /** The path of this site to return to. */
  readonly next: string;
}

/** Links to sign in with a provider, which leave the dashboard. */
export function ProviderLinks({ providers, next }: ProviderLinksProps) {
  if (providers.length === 0) return null;
  return (
    <ul aria-label="Providers" className="flex flex-col gap-2">
      {providers.map(({ provider, name }) => (
        <li key={provider}>
          <a
            href={paths.signInWith(provider, { return_to: next })}
            className={`${buttonLook()} w-full wrap-anywhere`}
          >
            Sign in with {name}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** A separator between two ways to sign in. */
export function Or() {
  return (
    <p className="flex items-center gap-3 text-xs text-muted before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
      or
    </p>
  );
}
