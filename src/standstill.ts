/**
 * Judges work of unknown length by its progress: it is stuck when its mark has not changed for `limitSeconds`. `now`
 * returns milliseconds.
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
   * Records a mark of the progress and returns whether the work is stuck. An empty mark is silence, not standstill: the
   * time begins again.
   */
  isStuck(mark: string): boolean {
    if (mark === '' || mark !== this.seen) this.since = this.now();
    this.seen = mark;
    return this.now() - this.since >= this.limitSeconds * 1000;
  }
}
