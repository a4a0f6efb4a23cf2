import { SOURCE_LISTS_S, SOURCE_S } from '../bounds/doctor.ts';
import { print, words } from '../shell/quote.ts';
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
  /** Offered versions by name, `(none)` for a package that nobody offers; undefined without lists. */
  offered: ReadonlyMap<string, string> | undefined;
  /** Sources without an answer, with apt's reason. */
  silent: { at: string; reason: string }[];
  /** Whether a CD is a source. */
  disc: boolean;
}

/**
 * POSIX sh that fetches the signed contents (InRelease, or Release) of each package source with apt's own means, and
 * prints what the sources offer; read by `parseOffers`. Where the host has no lists yet, they are fetched to a directory of their own, which is
 * removed: the host's own state stays as it is.
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
  const lines = added.map(({ uri, suite }) => `${uri.replace(/\/?$/, '/')} ${suite}\n`).join('');
  const fetch = `timeout ${2 * SOURCE_S} /usr/lib/apt/apt-helper ${words(...options)} download-file "$at$f" "$dir/release"`;
  const place = '-o "Dir::State::Lists=$lists" -o "Dir::Cache=$dir/cache"';
  return `if dir=$(mktemp -d); then
  { apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null; ${print(lines)}; } | sort -u | while read -r uri suite; do
    case $uri in cdrom:*) echo "cdrom $uri"; continue ;; esac
    case $suite in */) at=$uri$suite ;; *) at=\${uri}dists/$suite/ ;; esac
    # An apply installs the authorities of https first.
    case $uri in https:*) [ -e /etc/ssl/certs/ca-certificates.crt ] || continue ;; esac
    for f in InRelease Release; do
      said=$(${fetch} 2>&1) && { echo "source ok $at"; continue 2; }
    done
    echo "source bad $at $(printf '%s\\n' "$said" | sed -n 's/^E: *//p' | tail -n 1)"
  done
  ${showPackages(names)}
  lists=/var/lib/apt/lists
  if ! ls "$lists" | grep -q _Packages; then
    ${
      fetchesLists
        ? `lists=$dir/lists; mkdir -p "$lists/partial" "$dir/cache/archives/partial"
    timeout ${SOURCE_LISTS_S} apt-get -q ${place} ${words(...options)} update >/dev/null 2>&1`
        : 'lists='
    }
  fi
  [ -z "$lists" ] || { echo 'lists known'; apt-cache ${place} policy ${words(...names)} 2>/dev/null | awk '/^[^ ].*:$/ { p = substr($1, 1, length($1) - 1) } /^  Candidate: / { print "offer", p, $2 }'; }
  rm -rf "$dir"
fi`;
};

/** Reads the answer of `offersScript`. */
export const parseOffers = (answer: string): Offers => ({
  installed: parsePackages(answer).installed,
  offered: /^lists known$/m.test(answer)
    ? new Map([...answer.matchAll(/^offer (\S+) (\S+)$/gm)].map(([, name, version]) => [name!, version!]))
    : undefined,
  silent: [...answer.matchAll(/^source bad (\S+) ?(.*)$/gm)].map(([, at, reason]) => ({ at: at!, reason: reason! })),
  disc: /^cdrom /m.test(answer),
});
