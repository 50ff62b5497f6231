import { useEffect, useRef } from 'react';
import { useLocation } from 'react-router';
import { newItemAnchor } from '#src/config/paths.ts';
import { Section, type SectionProps } from './section.tsx';

/** The form for a new item below the list of its page. An address with its anchor leads to its first field. */
export function NewSection(props: SectionProps) {
  const { hash, key } = useLocation();
  const place = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each navigation
  useEffect(() => {
    if (hash !== `#${newItemAnchor}`) return;
    // After a closing dialog has returned the focus.
    const timer = setTimeout(() => place.current?.querySelector<HTMLElement>('input, select')?.focus());
    return () => clearTimeout(timer);
  }, [hash, key]);
  return (
    <div ref={place}>
      <Section {...props} id={newItemAnchor} />
    </div>
  );
}
