import type { Host } from '../../src/inventory/model.ts';
import type { Facts } from '../../src/observe/host.ts';
import type { Context } from '../../src/playbook.ts';
import { file, noFile } from '../../src/steps/file.ts';
import { hugePages } from '../../src/steps/huge-pages.ts';
import { kernelChoice } from '../../src/steps/kernel-choice.ts';
import type { Step } from '../../src/steps/step.ts';
import { sysctl } from '../../src/steps/sysctl.ts';
import { hugePagesFor } from './huge-pages.ts';

const role = 'tuning';
const CARRIER = 'belongs to the machine that carries this container';
const SYSCTL = '/etc/sysctl.d/61-hapg-tuning.conf';
const TMPFILES = '/etc/tmpfiles.d/61-hapg-tuning.conf';
const UDEV = '/etc/udev/rules.d/61-hapg-tuning.rules';
const THP = '/sys/kernel/mm/transparent_hugepage/enabled';

/** Early and even write-back, little swapping (PostgreSQL, 18.4 "Managing Kernel Resources"; 64 MiB is a second of a slow disk). */
const MEMORY = { 'vm.swappiness': 1, 'vm.dirty_background_bytes': 67108864, 'vm.dirty_bytes': 536870912 };
/** PostgreSQL, 18.4.4 "Linux Memory Overcommit". The ratio leaves a fifth of the memory to the kernel's caches. */
const OVERCOMMIT = { 'vm.overcommit_memory': 2, 'vm.overcommit_ratio': 80 };

/** Steps of the kernel's settings for a database host: in files for the next boot, and live. */
export function tuning(host: Host, context: Context): Step[] {
  const facts = context.facts(host);
  const has = (item: Parameters<typeof host.tuning.has>[0]) => host.tuning.has(item);
  const notApplicable = facts.sysctl === 'all' ? undefined : CARRIER;
  const pages = has('huge_pages') ? hugePagesFor(host, context) : 0;
  const settings: Record<string, number> = {
    ...(has('memory') ? MEMORY : {}),
    ...(has('overcommit') ? OVERCOMMIT : {}),
  };
  const kept = { ...settings, ...(pages > 0 ? { 'vm.nr_hugepages': pages } : {}) };
  return [
    Object.keys(kept).length > 0
      ? file(role, SYSCTL, `# Managed by hapg\n${lines(kept)}`, { notApplicable })
      : noFile(role, SYSCTL, { notApplicable }),
    ...Object.entries(settings).map(([key, value]) => sysctl(role, key, value, { notApplicable })),
    ...(pages > 0 ? [hugePages(role, pages, { notApplicable })] : []),
    ...(has('transparent_huge_pages')
      ? [
          file(role, TMPFILES, `# Managed by hapg\nw ${THP} - - - - never\n`, { notApplicable }),
          kernelChoice(role, 'transparent huge pages', { files: THP, choice: 'never' }, { notApplicable }),
        ]
      : [noFile(role, TMPFILES, { notApplicable })]),
    ...(has('io_scheduler')
      ? [
          file(role, UDEV, udevRules(facts), { notApplicable }),
          ...schedulers(facts).map(({ subject, files, choice }) =>
            kernelChoice(role, subject, { files, choice }, { notApplicable }),
          ),
        ]
      : [noFile(role, UDEV, { notApplicable })]),
  ];
}

const lines = (settings: Readonly<Record<string, number>>): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('');

/** Whether the machine below schedules the disks. */
const isVirtual = ({ virtualization }: Facts): boolean => virtualization !== 'none';

const DISKS = ['sd*', 'vd*', 'xvd*', 'nvme*'];

/** udev rules for disks that appear later and at the next boot (kernel, Documentation/block/switching-sched.rst). */
const udevRules = (facts: Facts): string => {
  const disk = `ACTION=="add|change", SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", KERNEL=="${DISKS.join('|')}"`;
  return `# Managed by hapg\n${
    isVirtual(facts)
      ? `${disk}, ATTR{queue/scheduler}="none"\n`
      : `${disk}, ATTR{queue/rotational}=="0", ATTR{queue/scheduler}="none"\n${disk}, ATTR{queue/rotational}=="1", ATTR{queue/scheduler}="mq-deadline"\n`
  }`;
};

/** The live choices by kind of disk. A disk of a real machine with moving parts is left to the rules of udev. */
const schedulers = (facts: Facts): { subject: string; files: string; choice: string }[] =>
  (isVirtual(facts) ? DISKS : ['nvme*']).map((disk) => ({
    subject: `scheduler of ${disk}`,
    files: `/sys/block/${disk}/queue/scheduler`,
    choice: 'none',
  }));
