import { Code } from '@connectrpc/connect';
import { useMutation } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Countdown } from '#src/components/countdown.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { type Session, SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { serverNow, useTimed } from '#src/lib/clock.ts';
import { describeError, retryAfterSeconds } from '#src/lib/errors.ts';

interface Problems {
  readonly identifier?: string | undefined;
  readonly password?: string | undefined;
  readonly message?: string | undefined;
  /** The end of the rate limit, in milliseconds of the server's clock. */
  readonly tryAgainAt?: number | undefined;
}

/** The sign-in form. A refusal keeps the username; `onSignedIn` gets the new session. */
export function SignInForm({ onSignedIn }: { readonly onSignedIn: (session: Session) => void }) {
  const [identifier, setIdentifier] = useState('');
  const [password, setPassword] = useState('');
  const [problems, setProblems] = useState<Problems | null>(null);
  const signIn = useMutation(SessionService.method.signIn, {
    onSuccess: ({ session }) => {
      if (session) onSignedIn(session);
    },
    onError: (error) => {
      const { code, message, fieldErrors } = describeError(error);
      const wait = retryAfterSeconds(error);
      const atFields = Object.keys(fieldErrors).length > 0;
      if (code === Code.Unauthenticated) setPassword('');
      const tryAgainAt = wait === null ? undefined : serverNow() + wait * 1000;
      setProblems({ ...fieldErrors, message: atFields ? undefined : message, tryAgainAt });
    },
  });
  const submit = () => {
    const missing: Problems = {
      identifier: identifier.trim() ? undefined : 'Enter your username or email',
      password: password ? undefined : 'Enter your password',
    };
    if (missing.identifier || missing.password) return setProblems(missing);
    setProblems(null);
    signIn.mutate({ identifier: identifier.trim(), password });
  };
  return (
    <Form problems={problems} onSubmit={submit} className="flex flex-col gap-4">
      <FormError>{problems?.message}</FormError>
      {problems?.tryAgainAt !== undefined && <TryAgain at={problems.tryAgainAt} />}
      <Field label="Username or email" error={problems?.identifier} required>
        {(control) => (
          <Input
            {...control}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            value={identifier}
            onChange={(event) => setIdentifier(event.target.value)}
          />
        )}
      </Field>
      <Field label="Password" error={problems?.password} required>
        {(control) => (
          <Input
            {...control}
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant="primary" pending={signIn.isPending}>
        Sign in
      </Button>
    </Form>
  );
}

/** Counts down the time of a rate limit. `at` is in milliseconds of the server's clock. */
function TryAgain({ at }: { readonly at: number }) {
  const over = useTimed(1_000, (now) => now >= at);
  return (
    <p role="timer" className="text-sm text-muted">
      {over ? (
        'You can try again now.'
      ) : (
        <Countdown until={new Date(at).toISOString()} before="Try again in " />
      )}
    </p>
  );
}
