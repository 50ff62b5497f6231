import { Checkbox } from '#src/components/checkbox.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { CreatedTokens } from './use-created-tokens.ts';

export interface RevokeCreatedTokensProps extends Omit<CreatedTokens, 'reload'> {
  readonly username: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

/** The tokens that keep working after their creator has lost the admin role, and the choice to revoke them. */
export function RevokeCreatedTokens(props: RevokeCreatedTokensProps) {
  const { tokens, failed, username, checked, onChange } = props;
  if (failed) {
    return (
      <p className="mt-3 text-sm">
        Couldn't load the tokens of service accounts. Those that {username} created keep working.
      </p>
    );
  }
  if (tokens.length === 0) return null;
  return (
    <div className="mt-3 flex flex-col gap-2 text-sm">
      <p>
        {tokens.length === 1
          ? `This token of a service account, created by ${username}, keeps working:`
          : `These ${tokens.length} tokens of service accounts, created by ${username}, keep working:`}
      </p>
      <ul aria-label={`Tokens created by ${username}`} className="max-h-40 list-disc overflow-y-auto pl-6">
        {tokens.map(({ tokenId, label }) => (
          <li key={tokenId} className="wrap-anywhere">
            <UserText>{label}</UserText>
          </li>
        ))}
      </ul>
      <Checkbox
        label={tokens.length === 1 ? 'Revoke this token' : 'Revoke these tokens'}
        hint="Jobs that use them will be refused immediately."
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
    </div>
  );
}
