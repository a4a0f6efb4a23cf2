import { type Host, serverOf } from '../../src/inventory/model.ts';
import { PATHS } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { hasSocket, sql } from '../../src/programs/postgres.ts';
import { render } from '../../src/render.ts';
import { factsOf } from '../../src/roles.ts';
import { CLEAN_ENVIRONMENT } from '../../src/shell/environment.ts';
import { file } from '../../src/steps/file.ts';
import { restart, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';

const role = 'exporters';
/** Where the node exporter reads text files (Debian's own place; the files of others there are read too). */
const TEXTFILES = '/var/lib/prometheus/node-exporter';
const UNIT = 'prometheus-node-exporter-hapg';
const SCRIPT = '/usr/local/sbin/hapg-facts';

export const FACTS_TIMER = `${UNIT}.timer`;
/** Files of hapg's facts, the script last. */
export const FACTS_FILES = [
  `/etc/systemd/system/${FACTS_TIMER}`,
  `/etc/systemd/system/${UNIT}.service`,
  `${TEXTFILES}/hapg.prom`,
  SCRIPT,
];

/** Paths on a host that the script reads and writes; a test has others. */
export interface FactsPlaces {
  out: string;
  cache: string;
  drill: string;
  hold: string;
  undo: string;
  reboot: string;
  /** The device, on hosts where Patroni uses one; empty elsewhere. */
  watchdog: string;
  /** Patterns of sh for certificates. */
  certificates: string;
  /** The sh that says whether PostgreSQL runs, and the one that prints its checksum failures; empty without PostgreSQL. */
  runs: string;
  checksums: string;
}

/** SQL that prints a metric for each database with data checksums (pg_stat_database). */
const CHECKSUMS = `select format('hapg_checksum_failures{datname="%s"} %s', replace(replace(replace(datname, '\\', '\\\\'), '"', '\\"'), chr(10), '\\n'), checksum_failures) from pg_stat_database where datname is not null and checksum_failures is not null`;

/** Returns the script that writes hapg's facts (Prometheus, "Text-based format"). */
export const factsScript = (places: FactsPlaces): string => render('exporters/facts.sh', places);

function placesOf(host: Host, { cluster, facts }: Context): FactsPlaces {
  const member = host.roles.has('patroni');
  const server = serverOf(cluster);
  return {
    out: `${TEXTFILES}/hapg.prom`,
    cache: '/run/hapg-certificates.prom',
    drill: PATHS.drill,
    hold: PATHS.hold,
    undo: PATHS.undo,
    reboot: '/run/reboot-required',
    watchdog: member && cluster.settings.patroni.watchdog !== 'off' && !facts(host).container ? '/dev/watchdog' : '',
    certificates: [...host.roles]
      .flatMap((name) => factsOf(name).keys ?? [])
      .map((path) => `${path}/*.crt`)
      .join(' '),
    runs: member ? hasSocket(server) : '',
    checksums: member ? sql(server, CHECKSUMS) : '',
  };
}

/** Steps for hapg's own facts: a script that a timer runs every minute. */
export const ownFacts = (host: Host, context: Context): Step[] => [
  file(role, SCRIPT, factsScript(placesOf(host, context)), { mode: '0755' }),
  file(
    role,
    `/etc/systemd/system/${UNIT}.service`,
    render('exporters/facts.service', { script: SCRIPT, environment: CLEAN_ENVIRONMENT, directory: TEXTFILES }),
  ),
  file(role, `/etc/systemd/system/${FACTS_TIMER}`, render('exporters/facts.timer', {}), {
    notify: [restart(FACTS_TIMER)],
  }),
  unit(role, FACTS_TIMER),
];
