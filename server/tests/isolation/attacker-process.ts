// The attacking organisation's clients and receiver, in a process of their own: they must not slow down the neighbour's client.
import { type Attacker, type AttackName, attack, startHangingReceiver } from './attacks.ts';

export type Order =
  | { readonly begin: readonly AttackName[]; readonly attacker: Attacker }
  | { readonly end: true };

let ending = new AbortController();
let running = Promise.resolve();

process.on('message', (order: Order) => {
  if ('begin' in order) {
    ending = new AbortController();
    running = attack(order.attacker, order.begin, ending.signal);
    return;
  }
  ending.abort();
  void running.catch(() => {}).then(() => process.send?.({ ended: true }));
});
process.on('disconnect', () => process.exit());
process.send?.({ hangingPort: await startHangingReceiver() });
