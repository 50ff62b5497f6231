export interface QueueLimits {
  /** Jobs that run at the same time. */
  readonly running: number;
  /** Of these, jobs for other than known networks: the rest is kept free for known ones. */
  readonly runningOfOthers: number;
  /** Jobs that wait, in each lane. */
  readonly waiting: number;
  /** Jobs of one network that wait, in each lane. */
  readonly waitingOfNetwork: number;
}

/** Whom a job is for. */
export interface JobOrigin {
  readonly network: string;
  /** Whether the account is known to be used from that network: such jobs have a lane of their own. */
  readonly known: boolean;
}

interface Waiting {
  readonly start: () => void;
  readonly refuse: () => void;
}

/** Jobs that wait, by network; the networks take turns, in the order of the map. */
class Lane {
  readonly #networks = new Map<string, Waiting[]>();
  readonly #limits: QueueLimits;
  #count = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Whether a job of the network would be refused now. */
  refuses(network: string): boolean {
    const own = this.#networks.get(network)?.length ?? 0;
    if (own >= this.#limits.waitingOfNetwork) return true;
    return this.#isFull() && this.#longest().length <= own + 1;
  }

  /** Adds a job, or refuses it. A full lane refuses the last job of the network that has most, if that has more than this one. */
  add(network: string, job: Waiting): void {
    if (this.refuses(network)) {
      job.refuse();
      return;
    }
    if (this.#isFull()) {
      this.#longest().pop()?.refuse();
      this.#count--;
    }
    const own = this.#networks.get(network) ?? [];
    own.push(job);
    this.#networks.set(network, own);
    this.#count++;
  }

  #isFull(): boolean {
    return this.#count >= this.#limits.waiting;
  }

  #longest(): Waiting[] {
    return [...this.#networks.values()].reduce((most, jobs) => (jobs.length > most.length ? jobs : most), []);
  }

  /** The next job, of the network whose turn it is. */
  take(): Waiting | undefined {
    const [turn] = this.#networks;
    if (turn === undefined) return undefined;
    const [network, jobs] = turn;
    const job = jobs.shift();
    this.#networks.delete(network);
    if (jobs.length > 0) this.#networks.set(network, jobs);
    this.#count--;
    return job;
  }
}

/**
 * Runs a few jobs at a time, and the others in turn: alternately for known and other networks, and in each of the two lanes one
 * network after the other. So strangers never take the places of known networks, nor one network those of another.
 */
export class FairQueue {
  readonly #limits: QueueLimits;
  readonly #known: Lane;
  readonly #others: Lane;
  #running = 0;
  #runningOfOthers = 0;
  #lastWasKnown = false;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    this.#known = new Lane(limits);
    this.#others = new Lane(limits);
  }

  /** Resolves to what the job gives. @throws what the job throws, or `refusal()` when too many wait */
  async run<T>({ network, known }: JobOrigin, job: () => Promise<T>, refusal: () => Error): Promise<T> {
    if (this.#mayStart(known)) this.#start(known);
    else {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#laneOf(known).add(network, { start: resolve, refuse: () => reject(refusal()) });
      await promise;
    }
    const began = performance.now();
    try {
      return await job();
    } finally {
      // A place of other networks rests as long as it has worked: they keep a processor busy half the time.
      if (known) this.#release(known);
      else setTimeout(() => this.#release(known), performance.now() - began);
    }
  }

  /** Whether a job would be refused now. It may still be refused later, when it is run. */
  refuses({ network, known }: JobOrigin): boolean {
    return !this.#mayStart(known) && this.#laneOf(known).refuses(network);
  }

  #laneOf(known: boolean): Lane {
    return known ? this.#known : this.#others;
  }

  #mayStart(known: boolean): boolean {
    const { running, runningOfOthers } = this.#limits;
    return this.#running < running && (known || this.#runningOfOthers < runningOfOthers);
  }

  #start(known: boolean): void {
    this.#running++;
    if (!known) this.#runningOfOthers++;
    this.#lastWasKnown = known;
  }

  /** Gives the place of a job that has ended to one that waits. */
  #release(wasKnown: boolean): void {
    this.#running--;
    if (!wasKnown) this.#runningOfOthers--;
    for (const known of [!this.#lastWasKnown, this.#lastWasKnown]) {
      const job = this.#mayStart(known) ? this.#laneOf(known).take() : undefined;
      if (job === undefined) continue;
      this.#start(known);
      job.start();
      return;
    }
  }
}
