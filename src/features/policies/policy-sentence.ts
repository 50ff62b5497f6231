import { parseDuration } from '#domain/time/duration.ts';
import { durationInWords } from '#src/lib/duration-words.ts';
import type { PolicyDraft } from './policy-draft.ts';

/** What a policy does, in one sentence. `…` is for what has not been chosen yet. */
export function policySentence(draft: PolicyDraft): string {
  const target = draft.targetEnvironment || '…';
  switch (draft.type) {
    case '':
      return 'Choose a type to see what the policy does.';
    case 'soak_time': {
      const duration = parseDuration(draft.duration);
      const time = duration.ok ? durationInWords(duration.seconds) : '…';
      const source = draft.sourceEnvironment || '…';
      const sentence = `Before a release is deployed to ${target}, it must run in ${source} for ${time}`;
      return draft.newerBuildsCount
        ? `${sentence}. The time keeps counting when newer builds are deployed to ${source}.`
        : `${sentence} without being replaced.`;
    }
    case 'branch_restriction':
      return `Only releases from branches that match ${draft.branchPattern || '…'} can be deployed to ${target}.`;
    case 'approval': {
      const count = /^\s*0*1\s*$/.test(draft.requiredApprovals) ? 1 : draft.requiredApprovals.trim() || '…';
      const voters =
        count === 1 ? '1 member other than the author' : `${count} members other than the author`;
      return `Before a release is deployed to ${target}, ${voters} must approve.`;
    }
  }
}
