import { stringify } from 'yaml';
import { MARKS } from '../../src/cluster/marks.ts';
import type { Host } from '../../src/inventory/model.ts';
import { PATRONI_CONFIG } from '../../src/programs/patroni.ts';
import { reloadActive } from '../../src/programs/systemd.ts';
import { quote } from '../../src/shell/quote.ts';

type Tags = Host['tags'];

/** Returns a member's tags as the end of its config.yml; empty without tags. */
export const tagsBlock = (tags: Tags): string => (Object.keys(tags).length > 0 ? stringify({ tags }).trimEnd() : '');

/**
 * POSIX sh that replaces the tags at the end of config.yml, if they are `before`, and makes Patroni reload. The rest of
 * the file stays as it is: an update must not apply a changed inventory in passing.
 */
const replaceTags = (before: string, after: string, otherwise: string): string => `f=${PATRONI_CONFIG}
if [ "$(sed -n '/^tags:/,$p' $f)" = ${quote(before)} ]; then
  umask 077
  { sed '/^tags:/,$d' $f; printf '%s' ${quote(after && `${after}\n`)}; } > $f.hapg-new
  chown postgres:postgres $f.hapg-new
  chmod 0600 $f.hapg-new
  mv -fT $f.hapg-new $f
  ${reloadActive('patroni.service')}
else
  ${otherwise}
fi`;

/** Marks that only make another standby the synchronous one. */
export const NOT_SYNCHRONOUS: Tags = { nosync: true };

const marked = (host: Host, marks: Tags): string => tagsBlock({ ...host.tags, ...marks });

/** POSIX sh that marks a member; fails when its present tags are not those of the inventory. */
export const mark = (host: Host, marks: Tags = MARKS): string =>
  replaceTags(
    tagsBlock(host.tags),
    marked(host, marks),
    `[ "$(sed -n '/^tags:/,$p' $f)" = ${quote(marked(host, marks))} ] || { echo "$f has other tags than the inventory says; run hapg apply first"; exit 1; }`,
  );

/** POSIX sh that removes the marks, unless somebody else has changed the tags since. */
export const unmark = (host: Host, marks: Tags = MARKS): string =>
  replaceTags(marked(host, marks), tagsBlock(host.tags), ':');
