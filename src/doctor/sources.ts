import { compareVersions } from '../cluster/versions.ts';
import { upstreamVersion } from '../programs/apt.ts';
import { offersScript, parseOffers } from '../programs/apt-sources.ts';
import type { PackageWant } from '../steps/package.ts';
import { failure, hostCheck, orElse, warning } from './check.ts';

const namesOf = (wants: readonly PackageWant[]): string[] => [...new Set(wants.flatMap(({ names }) => names))];

/** apt's word for the candidate of a package that no source offers. */
const NOBODY = '(none)';

/** The package sources answer, and offer what the roles need in versions that are new enough. */
export const sourcesCheck = hostCheck(
  'packages',
  (host, { packages, sources, fetchesLists, cluster }) =>
    offersScript(namesOf(packages(host)), sources(host), { proxy: cluster.settings.apt.proxy, fetchesLists }),
  (answer, host, { packages, sources }) => {
    const { installed, offered, answered, silent, disc } = parseOffers(answer);
    const wants = packages(host);
    const minimum: Record<string, string> = Object.assign({}, ...wants.map((one) => one.minimum));
    const missing = namesOf(wants).filter((name) => !installed.has(name));
    const added = sources(host);
    // What a source offers that an apply adds is not known before.
    const offers = added.length > 0 ? undefined : offered;
    const absent = offers ? missing.filter((name) => (offers.get(name) ?? NOBODY) === NOBODY) : [];
    const old = missing.flatMap((name) => {
      const [offer = NOBODY, least] = [offers?.get(name), minimum[name]];
      return offer !== NOBODY && least && compareVersions(upstreamVersion(offer), least) < 0
        ? [{ name, offer, least }]
        : [];
    });
    // apt goes on without a source that others make up for.
    const isNeeded = (at: string) => added.some(({ uri }) => at.startsWith(uri)) || (answered === 0 && !offers);
    return orElse(
      [
        ...silent.map(({ at, reason }) =>
          (missing.length > 0 && isNeeded(at) ? failure : warning)(
            `${at} does not answer${reason ? `: ${reason}` : ''}`,
            'let the host reach it, name a proxy with apt.proxy, or correct the source in /etc/apt',
          ),
        ),
        ...(disc
          ? [
              warning(
                'a CD is a package source',
                'remove the line that begins with "deb cdrom:" from /etc/apt/sources.list',
              ),
            ]
          : []),
        ...(absent.length > 0
          ? [
              failure(
                `its package sources do not offer ${absent.join(', ')}`,
                silent.length > 0
                  ? 'let the host reach the sources that do not answer'
                  : 'add the source: postgres.repository: pgdg, apt.repositories, or the component (universe on Ubuntu) in /etc/apt',
              ),
            ]
          : []),
        ...old.map(({ name, offer, least }) =>
          failure(
            `its package sources offer ${name} ${offer}, and ${least} is needed`,
            'use postgres.repository: pgdg, or a newer release',
          ),
        ),
      ],
      missing.length === 0
        ? 'all installed'
        : `${missing.length} to install${offers ? ', all offered' : answered > 0 ? `, and ${answered} ${answered === 1 ? 'source answers' : 'sources answer'}` : ''}`,
    );
  },
);
