import { z } from 'zod';

const item = (text: string) => z.boolean().optional().describe(text);

/** The items of tuning; each is on unless the inventory turns it off, but for those of OFF. */
const items = {
  memory: item('Little swapping, early and even write-back'),
  huge_pages: item('Huge pages for shared_buffers from 1 GiB on; PostgreSQL uses them from its next start on'),
  transparent_huge_pages: item('No transparent huge pages'),
  overcommit: item(
    'Memory is not promised twice (vm.overcommit_memory 2), so that a session fails instead of the server. Off unless it is turned on: for hosts that run nothing but PostgreSQL',
  ),
  io_scheduler: item('Disks of virtual machines and without moving parts have no I/O scheduler, others mq-deadline'),
  softdog: item(
    "The kernel's software watchdog, where the host has no other: a Patroni that is stuck on a leader resets the host before another one leads",
  ),
};

export type TuningItem = keyof typeof items;
export const TUNING_ITEMS = Object.keys(items) as readonly TuningItem[];

/** Items that are off unless an inventory turns them on. */
const OFF: ReadonlySet<TuningItem> = new Set(['overcommit']);

/** Tuning as the inventory says it: all that is usual, nothing, or with items that differ. */
export const tuning = z.union([z.boolean(), z.strictObject(items)], {
  error: 'true, false, or items that differ, such as {huge_pages: false}',
});
type Written = z.infer<typeof tuning>;

/** Returns what a database host gets: its own words win over those of the inventory, item by item. */
export function tuningOf(common: Written, own: Written | undefined): Set<TuningItem> {
  if (own === false || (own === undefined && common === false)) return new Set();
  const written = (one: Written | undefined) => (typeof one === 'object' ? one : {});
  const all = { ...(own === true ? {} : written(common)), ...written(own) };
  return new Set(TUNING_ITEMS.filter((name) => all[name] ?? !OFF.has(name)));
}
