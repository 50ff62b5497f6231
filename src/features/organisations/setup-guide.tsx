import { Check, Circle } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Button, buttonLook } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { FirstBuild } from '#src/components/first-build.tsx';
import { Section } from '#src/components/section.tsx';
import { type SetupFacts, type Step, setupSteps } from './setup-steps.ts';

export interface SetupGuideProps {
  readonly organisation: string;
  readonly organisationId: string;
  readonly facts: SetupFacts;
  readonly onCreateProject: () => void;
}

const hiddenKey = (organisationId: string) => `forage.guide-hidden.${organisationId}`;

/**
 * Guides an admin to the first release. The server stops sending `facts` once something is live, so it never comes back.
 * Hiding it is remembered in this browser.
 */
export function SetupGuide({ organisation, organisationId, facts, onCreateProject }: SetupGuideProps) {
  const [hidden, setHidden] = useState(() => localStorage.getItem(hiddenKey(organisationId)) !== null);
  if (hidden) return null;
  const hide = () => {
    localStorage.setItem(hiddenKey(organisationId), '1');
    setHidden(true);
  };
  const { project } = facts;
  const steps = setupSteps(organisation, facts);
  const next = steps.find(({ done, optional }) => !done && !optional);
  return (
    <Section
      title="Getting started"
      flush
      aside={
        <Badge icon={null}>
          {steps.filter(({ done }) => done).length} of {steps.length}
        </Badge>
      }
      actions={<Button onClick={hide}>Hide</Button>}
    >
      <ol aria-label="Steps">
        {steps.map((step) => (
          <StepRow key={step.id} step={step} isNext={step === next} onCreateProject={onCreateProject}>
            {step.id === 'annotate' && !step.done && project && (
              <FirstBuild organisation={organisation} project={project} />
            )}
          </StepRow>
        ))}
      </ol>
    </Section>
  );
}

/** Aligns the action with the text when it wraps below it. */
const below = 'ml-7.5 sm:ml-0';

function StepRow({
  step,
  isNext,
  onCreateProject,
  children,
}: {
  readonly step: Step;
  readonly isNext: boolean;
  readonly onCreateProject: () => void;
  readonly children: ReactNode;
}) {
  const { id, title, description, done, optional, to, action } = step;
  const look = classNames(buttonLook(isNext ? 'primary' : 'quiet'), below);
  return (
    <li
      aria-current={isNext ? 'step' : undefined}
      className="flex flex-wrap items-start gap-x-3 gap-y-2 border-b border-line px-4 py-2.5 last:border-b-0"
    >
      {done ? (
        <Check aria-hidden size={18} className="mt-0.5 shrink-0 text-passed" />
      ) : (
        <Circle aria-hidden size={18} className="mt-0.5 shrink-0 text-muted" />
      )}
      <div className="flex min-w-0 flex-1 basis-56 flex-col gap-2">
        <p>
          <span className={classNames('font-medium', done && 'text-muted')}>{title}</span>{' '}
          <span className="text-xs text-muted">{done ? '· Done' : optional ? '· Optional' : '· To do'}</span>
          <br />
          <span className="text-muted">{description}</span>
        </p>
        {children}
      </div>
      {!done && id === 'project' && (
        <Button variant={isNext ? 'primary' : 'quiet'} className={below} onClick={onCreateProject}>
          {action}
        </Button>
      )}
      {!done && id !== 'project' && id !== 'annotate' && to && (
        <Link to={to} className={look}>
          {action}
        </Link>
      )}
      {!done && !to && id !== 'project' && (
        <span className={classNames('text-xs text-muted', below)}>
          {id === 'release' ? 'Create a build first' : 'Create a project first'}
        </span>
      )}
    </li>
  );
}
