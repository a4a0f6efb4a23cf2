import type { RoleName } from '../roles.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

/** POSIX sh that prints the live number: sh's own `read` takes single bytes, and the kernel gives a number in one piece only. */
const LIVE = 'cat /proc/sys/vm/nr_hugepages';

/** The number of huge pages of the usual size that the kernel keeps, at least. */
const hugePagesKind: Kind<{ pages: number }, number | undefined> = {
  name: 'huge-pages',
  probe: () => `${LIVE} 2>/dev/null\n:`,
  parse(answer, steps) {
    const live = /^\d+$/.test(answer.trim()) ? Number(answer) : undefined;
    return new Map(steps.map((one) => [one.id, live]));
  },
  // More of them may be another program's.
  diff({ want: { pages } }, live) {
    if (live !== undefined && live >= pages) return undefined;
    return { action: 'update', summary: `${live ?? 'unset'} → ${pages}` };
  },
  async change({ want: { pages } }, live = 0, remote) {
    // The kernel gives as many as it finds in one piece; it finds more after it has moved what can be moved.
    await remote.run(`for n in 1 2 3; do
  sysctl -q -w vm.nr_hugepages=${pages} || exit 1
  got=$(${LIVE})
  [ "$got" -lt ${pages} ] || exit 0
  sync; echo 1 > /proc/sys/vm/compact_memory
done
sysctl -q -w vm.nr_hugepages=${live}
echo "the kernel has found $got of ${pages} huge pages: its memory is in pieces. Reboot the host (the number is set for the next boot), or leave them out with tuning: {huge_pages: false}"
exit 1`);
  },
};

/** A step: the kernel keeps at least so many huge pages, live. */
export const hugePages = (role: RoleName, pages: number, options: StepOptions = {}): Step =>
  step(hugePagesKind, role, 'vm.nr_hugepages', { pages }, options);
