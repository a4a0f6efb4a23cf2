import type { Host } from '../../src/inventory/model.ts';
import type { Facts } from '../../src/observe/host.ts';

/**
 * Whether Patroni's unit loads the kernel's software watchdog: where tuning has it and there is no other. By modprobe, since
 * Ubuntu keeps watchdog modules from being loaded by themselves.
 */
export const loadsSoftdog = ({ tuning }: Pick<Host, 'tuning'>, { watchdog, softdog }: Facts): boolean =>
  tuning.has('softdog') && (softdog === 'loaded' || (softdog === 'there' && !watchdog));

/** Whether Patroni has a watchdog on this host, now or from its next start on. */
export const hasWatchdog = (host: Pick<Host, 'tuning'>, facts: Facts): boolean =>
  facts.watchdog || loadsSoftdog(host, facts);
