import { LoaderCircle } from 'lucide-react';

/** A spinner, always beside a text. */
export function Spinner({ size = 16 }: { readonly size?: number }) {
  return <LoaderCircle aria-hidden size={size} className="shrink-0 motion-safe:animate-spin" />;
}
