// @vitest-environment jsdom
import { screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { renderWithin } from '#src/testing/render-within.tsx';
import type { StageDraft } from './pipeline-draft.ts';
import { StageDependencies } from './stage-dependencies.tsx';

const stage: StageDraft = {
  key: '#0',
  id: 'first',
  type: 'wait',
  environment: '',
  duration: '1m',
  autoApprove: false,
  dependsOn: ['#3'],
};
const stages = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: `#${index}`,
    id: index === 2 ? '' : `stage-${index}`,
  }));

function open(count: number) {
  const onChange = vi.fn();
  const view = renderWithin(
    <StageDependencies stage={stage} stages={stages(count)} problem={undefined} onChange={onChange} />,
    () => {},
  );
  return { ...view, onChange };
}

const checkboxes = () => screen.queryAllByRole('checkbox');

test('lists all other stages; one without an id by its position', async () => {
  const { user, onChange } = open(5);
  expect(checkboxes()).toHaveLength(4);
  await user.click(screen.getByLabelText('Stage 3'));
  expect(onChange).toHaveBeenLastCalledWith(['#3', '#2']);
  await user.click(screen.getByLabelText('stage-3'));
  expect(onChange).toHaveBeenLastCalledWith([]);
});

test('lists only the selected ones of many stages, and the others on demand', async () => {
  const { user } = open(40);
  expect(checkboxes()).toHaveLength(1);
  await user.click(screen.getByRole('button', { name: 'Show all 39 other stages' }));
  expect(checkboxes()).toHaveLength(39);
});

test('shows nothing for a single stage', () => {
  renderWithin(
    <StageDependencies
      stage={{ ...stage, dependsOn: [] }}
      stages={stages(1)}
      problem={undefined}
      onChange={() => {}}
    />,
    () => {},
  );
  expect(screen.queryByRole('group')).toBeNull();
});
