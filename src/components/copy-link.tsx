import { Button } from './button.tsx';
import { useCopy } from './copy-button.tsx';

/** Copies the whole address of a page of the dashboard; a message says so. */
export function CopyLink({ to }: { readonly to: string }) {
  const { copy } = useCopy(location.origin + to);
  return <Button onClick={copy}>Copy link</Button>;
}
