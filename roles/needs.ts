import type { Needs } from '../src/doctor/check.ts';
import { waysOf } from '../src/doctor/ways.ts';
import type { Context } from '../src/playbook.ts';
import { packageWants, rulesFor } from './index.ts';
import { addedSources } from './patroni/package-sources.ts';
import { declaredBuffers } from './patroni/patroni.ts';

/** Returns what a cluster needs of its hosts, as its roles say: the same packages, rules and sizes that an apply uses. */
export const needsOf = (context: Context, fetchesLists: boolean): Needs => ({
  cluster: context.cluster,
  facts: context.facts,
  ways: waysOf(context.cluster, (host) => rulesFor(host, context.cluster, [])),
  fetchesLists,
  packages: (host) => packageWants(host, context),
  sources: (host) => addedSources(host, context),
  sharedBuffers: (host) => declaredBuffers(host, context),
});
