import type { ReactNode } from 'react';
import { ToneIcon, toneText } from '#src/components/badge.tsx';
import { Reason } from '#src/components/reason.tsx';
import type { StatusSentence } from './status-sentence.ts';

/** A state in words with the icon and the colour of its tone. */
export function Sentence({ tone, text, children }: StatusSentence & { readonly children?: ReactNode }) {
  return (
    <p className={`flex min-w-0 gap-2 ${toneText[tone]}`}>
      <span className="flex h-5 items-center">
        <ToneIcon tone={tone} size={16} />
      </span>
      <span className="min-w-0 wrap-anywhere">
        <Reason>{text}</Reason>
        {children}
      </span>
    </p>
  );
}
