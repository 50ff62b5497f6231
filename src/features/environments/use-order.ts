import { callUnaryMethod, useTransport } from '@connectrpc/connect-query';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { announce } from '#src/components/toast.tsx';
import { type Environment, EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { changesFor, moved } from './environment-order.ts';
import { useAskAnew } from './use-environment-writes.ts';

/**
 * The environments in the order that somebody is giving them: at once as they put it, then as the server has it. What the
 * server refuses moves back, and `problem` says why.
 */
export function useOrder(environments: readonly Environment[]) {
  const transport = useTransport();
  const askAnew = useAskAnew();
  /** Ids in the order that is being dragged or saved; null when the server's holds. */
  const [pending, setPending] = useState<readonly string[] | null>(null);
  const save = useMutation({
    mutationFn: async ({ wanted, id }: { wanted: readonly Environment[]; id: string }) => {
      // One after the other: should one be refused, those before it are whole moves or are undone by the next order.
      for (const change of changesFor(wanted, id)) {
        await callUnaryMethod(transport, EnvironmentService.method.updateEnvironment, change);
      }
    },
    onSettled: async () => {
      await askAnew();
      setPending(null);
    },
  });
  const shown = pending ? inThatOrder(environments, pending) : environments;

  /** Shows another order without saving it, while somebody drags; null shows the server's again. */
  const preview = (ids: readonly string[] | null) => setPending(ids);
  /** Saves the order that is shown, in which `id` was moved, and says where it is now. */
  const commit = (wanted: readonly Environment[], id: string) => {
    const place = wanted.findIndex((each) => each.id === id);
    const name = wanted[place]?.name ?? '';
    setPending(wanted.map((each) => each.id));
    save.mutate(
      { wanted, id },
      { onSuccess: () => announce(`${name} is now ${place + 1} of ${wanted.length}.`) },
    );
  };
  return {
    shown,
    saving: save.isPending,
    problem: save.error ? `The order was not changed. ${describeError(save.error).message}` : '',
    preview,
    commit,
    /** Moves an environment by that many places and saves it. */
    moveBy: (id: string, places: number) => {
      const from = shown.findIndex((each) => each.id === id);
      const to = from + places;
      if (save.isPending || to < 0 || to >= shown.length) return;
      commit(moved(shown, from, to), id);
    },
  };
}

/** The environments in the order of the ids; those that are not named (somebody has just added them) at the end. */
function inThatOrder(environments: readonly Environment[], ids: readonly string[]): Environment[] {
  const place = new Map(ids.map((id, index) => [id, index]));
  const placeOf = ({ id }: Environment) => place.get(id) ?? ids.length;
  return [...environments].sort((a, b) => placeOf(a) - placeOf(b));
}
