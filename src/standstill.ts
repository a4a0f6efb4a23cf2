/**
 * Watches work whose length nobody knows: it is stuck when nothing of it has changed for `limitSeconds`. `now` in
 * milliseconds.
 */
export class Standstill {
  private seen = '';
  private since: number;

  constructor(
    private readonly limitSeconds: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.since = now();
  }

  /**
   * Takes down how far the work is, in whatever words, and returns whether it is stuck. An empty text is silence, not
   * standstill: the count begins anew.
   */
  isStuck(mark: string): boolean {
    if (mark === '' || mark !== this.seen) this.since = this.now();
    this.seen = mark;
    return this.now() - this.since >= this.limitSeconds * 1000;
  }
}
