import { LoaderCircle } from 'lucide-react';

/** A turning circle beside words that say what is going on; never the only sign of it. */
export function Spinner({ size = 16 }: { readonly size?: number }) {
  return <LoaderCircle aria-hidden size={size} className="shrink-0 motion-safe:animate-spin" />;
}
