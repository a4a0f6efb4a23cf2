import { setMaxListeners } from 'node:events';
import { Interrupted } from '../errors.ts';

/** The operator's request to stop a run, which has two levels. Each Ctrl-C is one press. */
export class Interrupt {
  private readonly stopping = new AbortController();
  private readonly leaving = new AbortController();
  private presses = 0;

  constructor() {
    // Every wait on every host adds a listener.
    setMaxListeners(0, this.soft, this.hard);
  }

  /** Aborted by the first press: the run stops at the next point where nothing is half done. */
  get soft(): AbortSignal {
    return this.stopping.signal;
  }

  /** Aborted by the second press: waits end at once, and units on the hosts are left running. */
  get hard(): AbortSignal {
    return this.leaving.signal;
  }

  /** Counts one press and returns the number of presses. */
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
