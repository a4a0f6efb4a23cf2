import { words } from '../shell/quote.ts';

/** Alertmanager's unit (Debian's package). */
const UNIT = 'prometheus-alertmanager.service';

/** Who made a silence, as Alertmanager shows it. */
const AUTHOR = 'hapg';

/** The label of alerts that planned work can cause; alerts that mean a failure in any case do not have it. */
export const PLANNED_LABEL = { name: 'planned', value: 'yes' } as const;

/** The alerts of one cluster that planned work can cause. */
const matchers = (cluster: string): string[] => [`cluster=${cluster}`, `${PLANNED_LABEL.name}=${PLANNED_LABEL.value}`];

const amtool = (port: number, ...args: readonly string[]): string =>
  words('amtool', `--alertmanager.url=http://127.0.0.1:${port}`, 'silence', ...args);

/** POSIX sh that prints `active` where Alertmanager runs. */
export const alertsAreSent = `if systemctl is-active -q ${UNIT}; then echo active; fi`;

/** POSIX sh for Alertmanager's host that silences the alerts of planned work on a cluster for `seconds` (amtool(1)). */
export const silence = (port: number, cluster: string, comment: string, seconds: number): string =>
  amtool(
    port,
    'add',
    ...[`--author=${AUTHOR}`, `--duration=${seconds}s`, `--comment=${comment}`],
    ...matchers(cluster),
  );

/** POSIX sh for Alertmanager's host that ends all silences which `silence` has set for a cluster. */
export const endSilences = (port: number, cluster: string): string =>
  `ids=$(${amtool(port, 'query', '-q', `--created-by=${AUTHOR}`, ...matchers(cluster))}) || exit 1
[ -z "$ids" ] || ${amtool(port, 'expire')} $ids`;
