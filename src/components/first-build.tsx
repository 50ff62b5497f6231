import { Link } from 'react-router';
import { type ProjectRef, paths } from '#src/config/paths.ts';
import { annotateCommand } from '#src/lib/annotate-command.ts';
import { CodeBlock } from './code-block.tsx';

/** The lines that make a project's first build, in any folder. */
export function FirstBuild({ organisation, project }: ProjectRef) {
  return (
    <div className="flex min-w-0 flex-col gap-2 text-left">
      <CodeBlock
        label="Copy the command"
        text={annotateCommand(window.location.origin, organisation, project)}
      />
      <p className="text-muted">
        To try it, use an access token of <Link to={paths.account()}>your account</Link>. CI uses the token of
        a service account, which an admin creates under <Link to={paths.members(organisation)}>Members</Link>.
      </p>
    </div>
  );
}
