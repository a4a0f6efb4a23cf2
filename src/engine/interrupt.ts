import { setMaxListeners } from 'node:events';
import { Interrupted } from '../errors.ts';

/** The person's wish to stop a run, as far as it goes by now; each Ctrl-C is one press. */
export class Interrupt {
  private readonly stopping = new AbortController();
  private readonly leaving = new AbortController();
  private presses = 0;

  constructor() {
    // Every wait for every host listens.
    setMaxListeners(0, this.soft, this.hard);
  }

  /** Aborted by the first press: the run stops where nothing is half done. */
  get soft(): AbortSignal {
    return this.stopping.signal;
  }

  /** Aborted by the second press: nothing is waited for any more, and what runs in units on the hosts is left to itself. */
  get hard(): AbortSignal {
    return this.leaving.signal;
  }

  /** Counts one press, and returns how many there were. */
  press(): number {
    this.presses++;
    this.stopping.abort();
    if (this.presses >= 2) this.leaving.abort();
    return this.presses;
  }
}

/** Throws Interrupted once `signal` is aborted. */
export function stopOn(signal: AbortSignal): void {
  if (signal.aborted) throw new Interrupted();
}
