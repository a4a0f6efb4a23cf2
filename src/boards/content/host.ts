import { type Board, CLUSTER, HOSTS } from '../board.ts';
import { stateTimeline, timeseries } from '../panel.ts';
import { maybe, ofHosts, perSecond, query } from '../query.ts';
import { health, over, trouble, under } from '../thresholds.ts';

const DAY = 24 * 60 * 60;

/** File systems that keep data; those in memory are left out. */
const ofDisks = (metric: string): string => ofHosts(metric, 'fstype!~"tmpfs|ramfs"');

/** Disks as a whole: loop devices and compact discs are left out. */
const ofDevices = (metric: string): string => ofHosts(metric, 'device!~"(loop|ram|sr|fd).*"');

const pressure = (what: string): string =>
  `max by (host) (${perSecond(ofHosts(`node_pressure_${what}_waiting_seconds_total`))})`;

/** Average time of an operation of a disk. Without operations it has no value, and the panel a gap. */
const latency = (how: 'read' | 'write', counter: 'reads' | 'writes'): string =>
  `${perSecond(ofDevices(`node_disk_${how}_time_seconds_total`))}` +
  ` / ${perSecond(ofDevices(`node_disk_${counter}_completed_total`))}`;

/** The hosts themselves, of any role. */
export const host: Board = {
  uid: 'hapg-host',
  title: 'PostgreSQL: host',
  about: 'The hosts: processors, memory, disks, network, services, clock, what hapg itself knows.',
  variables: [CLUSTER, HOSTS],
  sections: [
    {
      title: 'Processors and memory',
      panels: [
        timeseries({
          title: 'Processors',
          about: 'The part of all processors that is busy. Worry when it stays near 100 %: everything takes longer.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          queries: [
            query(`1 - avg by (host) (${perSecond(ofHosts('node_cpu_seconds_total', 'mode="idle"'))})`, '{{host}}'),
            query(
              `avg by (host) (${perSecond(ofHosts('node_cpu_seconds_total', 'mode="steal"'))})`,
              '{{host}}: taken by the hypervisor',
            ),
          ],
        }),
        timeseries({
          title: 'Load',
          about: 'Processes that run or wait, over five minutes, for each processor. Worry when it stays above 1.',
          min: 0,
          decimals: 2,
          thresholds: over({ worry: 1 }),
          queries: [
            query(
              `max by (host) (${ofHosts('node_load5')}) / count by (host) (${ofHosts('node_cpu_seconds_total', 'mode="idle"')})`,
              '{{host}}',
            ),
          ],
        }),
        timeseries({
          title: 'Memory that is left',
          about: 'Memory that programs can still get, as a part of all. Worry below 10 %: the kernel ends processes.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: under({ bad: 0.1 }),
          queries: [
            query(
              `max by (host) (${ofHosts('node_memory_MemAvailable_bytes')} / ${ofHosts('node_memory_MemTotal_bytes')})`,
              '{{host}}',
            ),
          ],
        }),
        timeseries({
          title: 'Pressure',
          about:
            'The part of the time in which something waits for a processor, memory or a disk. Worry when it stays above 20 %.',
          unit: 'percentunit',
          min: 0,
          queries: ['cpu', 'memory', 'io'].map((what) => maybe(pressure(what), `{{host}}: ${what}`)),
        }),
        timeseries({
          title: 'Ended for lack of memory',
          about: 'Processes that the kernel has ended. Worry about any: PostgreSQL may have been among them.',
          min: 0,
          decimals: 0,
          thresholds: over({ bad: 1 }),
          queries: [query(`max by (host) (increase(${ofHosts('node_vmstat_oom_kill')}[10m]))`, '{{host}}')],
        }),
        timeseries({
          title: 'Swap',
          about: 'Pages that come back from swap. Worry when it is steady: memory is too small.',
          unit: 'ops',
          min: 0,
          queries: [query(`max by (host) (${perSecond(ofHosts('node_vmstat_pswpin'))})`, '{{host}}')],
        }),
      ],
    },
    {
      title: 'Disks and network',
      panels: [
        timeseries({
          title: 'Free space',
          about:
            'The part of each file system that is free. Worry below 10 %: PostgreSQL stops when it has no room for WAL.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: under({ bad: 0.1 }),
          queries: [
            query(
              `min by (host, mountpoint) (${ofDisks('node_filesystem_avail_bytes')} / ${ofDisks('node_filesystem_size_bytes')})`,
              '{{host}} {{mountpoint}}',
            ),
          ],
        }),
        timeseries({
          title: 'Latency of disks',
          about:
            'Average time of a read and of a write. Worry when writes take longer than some 10 ms: commits wait for them.',
          unit: 's',
          min: 0,
          queries: [
            maybe(latency('read', 'reads'), '{{host}} {{device}}: read'),
            maybe(latency('write', 'writes'), '{{host}} {{device}}: write'),
          ],
        }),
        timeseries({
          title: 'Disks are busy',
          about: 'The part of the time in which a disk has work. Worry when it stays near 100 % and latency rises.',
          unit: 'percentunit',
          min: 0,
          queries: [maybe(perSecond(ofDevices('node_disk_io_time_seconds_total')), '{{host}} {{device}}')],
        }),
        timeseries({
          title: 'Network',
          about: 'Bytes that come in and go out. Worry when it nears what the link can carry: replicas fall behind.',
          unit: 'binBps',
          min: 0,
          queries: [
            query(
              `sum by (host) (${perSecond(ofHosts('node_network_receive_bytes_total', 'device!="lo"'))})`,
              '{{host}}: in',
            ),
            query(
              `sum by (host) (${perSecond(ofHosts('node_network_transmit_bytes_total', 'device!="lo"'))})`,
              '{{host}}: out',
            ),
          ],
        }),
        timeseries({
          title: 'Faults of the network',
          about: 'Packets that were damaged or dropped. Worry when it is steady: a cable, a port, a full queue.',
          unit: 'ops',
          min: 0,
          queries: [
            query(
              `sum by (host) (${perSecond(ofHosts('node_network_receive_errs_total'))} + ${perSecond(ofHosts('node_network_receive_drop_total'))})`,
              '{{host}}: in',
            ),
            query(
              `sum by (host) (${perSecond(ofHosts('node_network_transmit_errs_total'))} + ${perSecond(ofHosts('node_network_transmit_drop_total'))})`,
              '{{host}}: out',
            ),
          ],
        }),
        timeseries({
          title: 'Segments sent again',
          about: 'The part of TCP segments that had to be sent again. Worry when it stays above 1 %.',
          unit: 'percentunit',
          min: 0,
          queries: [
            query(
              `max by (host) (${perSecond(ofHosts('node_netstat_Tcp_RetransSegs'))} / ${perSecond(ofHosts('node_netstat_Tcp_OutSegs'))})`,
              '{{host}}',
            ),
          ],
        }),
      ],
    },
    {
      title: 'Services, clock, upkeep',
      panels: [
        stateTimeline({
          title: 'Answers',
          about: 'Whether Prometheus reaches the host. Worry when it does not: the host or its network is gone.',
          width: 8,
          meanings: health('yes', 'no'),
          queries: [query(`max by (host) (${ofHosts('up', 'job="node"')})`, '{{host}}')],
        }),
        stateTimeline({
          title: 'Failed services',
          about: 'Units of systemd that have failed; empty is good. Worry about any: "hapg logs" shows why.',
          width: 8,
          meanings: { 1: { text: 'failed', color: 'red' } },
          queries: [
            maybe(
              `max by (host, name) (${ofHosts('node_systemd_unit_state', 'state="failed"')} == 1)`,
              '{{host}}: {{name}}',
            ),
          ],
        }),
        stateTimeline({
          title: 'Wants a reboot',
          about: 'Whether an update waits for a reboot. "hapg update" reboots such hosts one by one.',
          width: 8,
          meanings: trouble('wants one', 'no', 'orange'),
          queries: [query(`max by (host) (${ofHosts('hapg_reboot_required')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Offset of the clock',
          about: 'Difference to the time server. Worry above a tenth of a second: certificates and logs go wrong.',
          unit: 's',
          queries: [maybe(`max by (host) (${ofHosts('node_timex_offset_seconds')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Certificates expire in',
          about:
            'Time until the first certificate of each host ends. Worry below two weeks: "hapg certs renew" makes new ones.',
          unit: 's',
          thresholds: under({ worry: 14 * DAY, bad: 3 * DAY }),
          queries: [query(`min by (host) (${ofHosts('hapg_certificate_not_after_seconds')}) - time()`, '{{host}}')],
        }),
        stateTimeline({
          title: 'Watchdog',
          about:
            'Whether Patroni holds the watchdog of its host, which ends a leader that hangs. Worry when it is free where it was set up.',
          width: 8,
          meanings: { 0: { text: 'not held', color: 'gray' }, 1: { text: 'held', color: 'green' } },
          queries: [maybe(`max by (host) (${ofHosts('hapg_watchdog_open')})`, '{{host}}')],
        }),
        timeseries({
          title: "Age of hapg's own facts",
          about:
            'Time since the facts of this page that hapg gathers were written. Worry above five minutes: they are old.',
          width: 12,
          unit: 's',
          min: 0,
          thresholds: over({ worry: 300 }),
          queries: [query(`time() - max by (host) (${ofHosts('hapg_facts_written_seconds')})`, '{{host}}')],
        }),
        timeseries({
          title: 'Runs for',
          about: 'Time since the host was started. Worry when it falls to 0 and nobody has rebooted it.',
          width: 12,
          unit: 's',
          min: 0,
          queries: [query(`time() - max by (host) (${ofHosts('node_boot_time_seconds')})`, '{{host}}')],
        }),
      ],
    },
  ],
};
