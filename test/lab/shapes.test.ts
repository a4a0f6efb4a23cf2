import { after, describe } from 'node:test';
import { TestLab } from '../support/lab.ts';
import { briefly } from './shape.ts';

/** The other shapes, one after another, each on a lab of its own. */
for (const [cluster, inventory] of [
  ['pgpair', 'two-node.yaml'],
  ['pgzootest', 'zookeeper.yaml'],
  ['pgpooltest', 'pgbouncer.yaml'],
  ['pgdc', 'multi-dc.yaml'],
] as const)
  describe(inventory, () => {
    const lab = new TestLab(cluster, inventory);
    after(() => lab.down());
    briefly(lab);
  });
