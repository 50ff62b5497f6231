import { callUnaryMethod, useTransport } from '@connectrpc/connect-query';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { announce } from '#src/components/toast.tsx';
import { type Environment, EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { changesFor, moved } from './environment-order.ts';
import { useInvalidateEnvironments } from './use-environments.ts';

/**
 * The order of the environments: optimistic while it is dragged and saved, then the server's. A refused change is reverted,
 * and `problem` holds the reason.
 */
export function useOrder(environments: readonly Environment[]) {
  const transport = useTransport();
  const invalidate = useInvalidateEnvironments();
  /** Ids in the order being dragged or saved; null for the server's order. */
  const [pending, setPending] = useState<readonly string[] | null>(null);
  const save = useMutation({
    mutationFn: async ({ wanted, id }: { wanted: readonly Environment[]; id: string }) => {
      // In sequence: after a refusal, the numbers saved so far are corrected by the next move.
      for (const change of changesFor(wanted, id)) {
        await callUnaryMethod(transport, EnvironmentService.method.updateEnvironment, change);
      }
    },
    onSettled: async () => {
      await invalidate();
      setPending(null);
    },
  });
  const shown = pending ? sortedBy(environments, pending) : environments;

  /** Shows an order without saving it; null restores the server's. */
  const preview = (ids: readonly string[] | null) => setPending(ids);
  /** Saves an order in which `id` was moved, and announces its position. */
  const commit = (wanted: readonly Environment[], id: string) => {
    const position = wanted.findIndex((each) => each.id === id);
    const name = wanted[position]?.name ?? '';
    setPending(wanted.map((each) => each.id));
    save.mutate(
      { wanted, id },
      { onSuccess: () => announce(`${name} is now ${position + 1} of ${wanted.length}`) },
    );
  };
  return {
    shown,
    saving: save.isPending,
    problem: save.error ? `Couldn't change the order. ${describeError(save.error).message}` : '',
    preview,
    commit,
    /** Moves an environment by a number of positions and saves it. */
    moveBy: (id: string, distance: number) => {
      const from = shown.findIndex((each) => each.id === id);
      const to = from + distance;
      if (save.isPending || to < 0 || to >= shown.length) return;
      commit(moved(shown, from, to), id);
    },
  };
}

/** The environments in the order of the ids; others, added meanwhile, at the end. */
function sortedBy(environments: readonly Environment[], ids: readonly string[]): Environment[] {
  const index = new Map(ids.map((id, position) => [id, position]));
  const indexOf = ({ id }: Environment) => index.get(id) ?? ids.length;
  return [...environments].sort((a, b) => indexOf(a) - indexOf(b));
}
