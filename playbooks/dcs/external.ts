import { type Cluster, patroniScope } from '../../src/inventory/model.ts';
import { PATHS } from '../../src/paths.ts';
import { listHeading, removeCluster, showDynamic } from '../../src/programs/patroni.ts';

/**
 * POSIX sh for a database host, while Patroni runs nowhere: deletes this cluster's keys from an external DCS, and
 * nothing else. Keys of this name are kept where they belong to another database than those of `identifiers`. Saves
 * Patroni's settings in a file first.
 */
export const deleteExternalKeys = (
  cluster: Cluster,
  identifiers: readonly string[],
  stamp: string,
): string => `umask 077
mkdir -p ${PATHS.state}/dcs
title=$(${listHeading(patroniScope(cluster))})
case "$title" in
  *'uninitialized)'*) exit 0 ;;
  ${identifiers.map((one) => `*'(${one})'*|*' ${one})'*`).join('|') || '-'}) ;;
  *) echo "${cluster.dcs.label} holds keys of another database, or does not answer: \${title:-no answer}"; exit 1 ;;
esac
${showDynamic(patroniScope(cluster))} > ${PATHS.state}/dcs/config-${stamp}.yml || exit 1
${removeCluster(cluster.scope, patroniScope(cluster))}`;
