import { Loading } from '#src/components/states.tsx';

/** What stands on the page until the first route is there. */
export function FirstLoad() {
  return (
    <main className="p-6">
      <Loading />
    </main>
  );
}
