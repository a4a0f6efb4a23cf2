import { SOURCE_LISTS_S, SOURCE_S } from '../bounds/doctor.ts';
import { print, quote, words } from '../shell/quote.ts';
import { parsePackages, showPackages } from './apt.ts';

/** A package source that is not on a host yet: its base address and its suite. */
export interface AddedSource {
  uri: string;
  suite: string;
}

/** What the package sources of a host say. */
export interface Offers {
  /** Versions of installed packages by name. */
  installed: ReadonlyMap<string, string>;
  /** Offered versions by name, `(none)` for a package that nobody offers; undefined where the lists were not fetched. */
  offered: ReadonlyMap<string, string> | undefined;
  /** How many sources have answered. */
  answered: number;
  /** Sources without an answer, with apt's reason. */
  silent: { at: string; reason: string }[];
  /** Whether a CD is a source. */
  disc: boolean;
}

/** Hooks of other packages, which an update of lists of its own must not run. */
const NO_HOOKS =
  '#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n';

/**
 * POSIX sh that fetches the signed contents (InRelease, or Release) of each package source with apt's own means, and with
 * `fetchesLists` prints what the sources offer; read by `parseOffers`. Lists are fetched to a directory of their own, which
 * is removed: those of the host may be older than its sources, and its own state stays as it is. A source whose address
 * holds a password is passed over: it would stand in the list of processes.
 */
export const offersScript = (
  names: readonly string[],
  added: readonly AddedSource[],
  { proxy, fetchesLists }: { proxy: string | undefined; fetchesLists: boolean },
): string => {
  const options = [
    `Acquire::http::Timeout=${SOURCE_S}`,
    `Acquire::https::Timeout=${SOURCE_S}`,
    'Acquire::Retries=0',
    'Acquire::Languages=none',
    ...(proxy ? [`Acquire::http::Proxy=${proxy}`, `Acquire::https::Proxy=${proxy}`] : []),
  ].flatMap((one) => ['-o', one]);
  const releases = added.map(
    ({ uri, suite }) => `${uri.replace(/\/?$/, '/')}${suite.endsWith('/') ? suite : `dists/${suite}/`}InRelease\n`,
  );
  const fetch = `timeout ${2 * SOURCE_S} /usr/lib/apt/apt-helper ${words(...options)} download-file "$at$f" "$dir/release"`;
  const place = '-c "$dir/apt.conf" -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache"';
  return `( dir=$(mktemp -d) || exit 0
  trap 'rm -rf "$dir"' EXIT; trap '' PIPE
  # apt 3 names the lists themselves as well.
  { apt-get update --print-uris 2>/dev/null | sed -n "s/^'\\([^']*InRelease\\)'.*/\\1/p"; ${print(releases.join(''))}; } | sort -u | while read -r uri; do
    case $uri in cdrom:*) echo cdrom; continue ;; *//*@*) continue ;; esac
    at=\${uri%InRelease}
    # An apply installs the authorities of https first.
    case $uri in https:*) [ -e /etc/ssl/certs/ca-certificates.crt ] || continue ;; esac
    for f in InRelease Release; do
      said=$(${fetch} 2>&1) && { echo "source ok $at"; continue 2; }
    done
    # The reason stands indented below the line of the address.
    echo "source bad $at $(printf '%s\\n' "$said" | sed -n 's/^ \\{2,\\}//p' | head -n 1)"
  done
  ${showPackages(names)}
  ${
    fetchesLists
      ? `printf ${quote(NO_HOOKS)} > "$dir/apt.conf"; mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  timeout ${SOURCE_LISTS_S} apt-get -q ${place} ${words(...options)} update >/dev/null 2>&1
  if ls "$dir/lists" | grep -q _Packages; then
    echo 'lists known'
    apt-cache ${place} policy ${words(...names)} 2>/dev/null | awk '/^[^ ].*:$/ { p = substr($1, 1, length($1) - 1) } /^  Candidate: / { print "offer", p, $2 }'
  fi`
      : ''
  } )`;
};

/** Reads the answer of `offersScript`. */
export const parseOffers = (answer: string): Offers => ({
  installed: parsePackages(answer).installed,
  offered: /^lists known$/m.test(answer)
    ? new Map([...answer.matchAll(/^offer (\S+) (\S+)$/gm)].map(([, name, version]) => [name!, version!]))
    : undefined,
  answered: answer.match(/^source ok /gm)?.length ?? 0,
  silent: [...answer.matchAll(/^source bad (\S+) ?(.*)$/gm)].map(([, at, reason]) => ({ at: at!, reason: reason! })),
  disc: /^cdrom$/m.test(answer),
});
