// @vitest-environment jsdom
import { screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { renderWithin } from '#src/testing/render-within.tsx';
import type { StageDraft } from './pipeline-draft.ts';
import { StageTies } from './stage-ties.tsx';

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
    <StageTies stage={stage} stages={stages(count)} problem={undefined} onChange={onChange} />,
    () => {},
  );
  return { ...view, onChange };
}

const ticks = () => screen.queryAllByRole('checkbox');

test('a few stages are all to be ticked, but for itself; one without an id goes by its place', async () => {
  const { user, onChange } = open(5);
  expect(ticks()).toHaveLength(4);
  await user.click(screen.getByLabelText('Stage 3'));
  expect(onChange).toHaveBeenLastCalledWith(['#3', '#2']);
  await user.click(screen.getByLabelText('stage-3'));
  expect(onChange).toHaveBeenLastCalledWith([]);
});

test('of many stages those it depends on are shown, and the others on demand', async () => {
  const { user } = open(40);
  expect(ticks()).toHaveLength(1);
  await user.click(screen.getByRole('button', { name: 'Choose among all 39 other stages' }));
  expect(ticks()).toHaveLength(39);
});

test('a stage alone has nothing to depend on', () => {
  renderWithin(
    <StageTies
      stage={{ ...stage, dependsOn: [] }}
      stages={stages(1)}
      problem={undefined}
      onChange={() => {}}
    />,
    () => {},
  );
  expect(screen.queryByRole('group')).toBeNull();
});
