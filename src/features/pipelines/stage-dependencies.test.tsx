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
const choices = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: `#${index + 1}`,
    id: index === 1 ? '' : `stage-${index + 1}`,
  }));

function open(count: number) {
  const onChange = vi.fn();
  const view = renderWithin(
    <StageDependencies stage={stage} choices={choices(count)} problem={undefined} onChange={onChange} />,
    () => {},
  );
  return { ...view, onChange };
}

const checkboxes = () => screen.queryAllByRole('checkbox');

test('lists the stages that it may depend on, with or without an id', async () => {
  const { user, onChange } = open(4);
  expect(checkboxes()).toHaveLength(4);
  await user.click(screen.getByLabelText('(no ID)'));
  expect(onChange).toHaveBeenLastCalledWith(['#3', '#2']);
  await user.click(screen.getByLabelText('stage-3'));
  expect(onChange).toHaveBeenLastCalledWith([]);
});

test('lists only the selected ones of many stages, and the others on demand', async () => {
  const { user } = open(39);
  expect(checkboxes()).toHaveLength(1);
  await user.click(screen.getByRole('button', { name: 'Show all 39 possible stages' }));
  expect(checkboxes()).toHaveLength(39);
});

test('shows nothing without a possible stage', () => {
  renderWithin(
    <StageDependencies
      stage={{ ...stage, dependsOn: [] }}
      choices={[]}
      problem={undefined}
      onChange={() => {}}
    />,
    () => {},
  );
  expect(screen.queryByRole('group')).toBeNull();
});
