import { aside } from '../src/bounds/copy.ts';
import { type Kept, removeScript } from '../src/cluster/kept.ts';
import type { Operation } from '../src/engine/operation.ts';
import type { Host } from '../src/inventory/model.ts';

/** Deletes one directory that an operation has set aside. It can be repeated until it has completed. */
export async function removeKept(op: Operation, host: Host, { path, bytes }: Kept): Promise<void> {
  op.stage('remove', [host]);
  await op.step(host, `delete ${path}`, 'patroni', 'remove', (remote) =>
    remote.run(removeScript(host, path), aside(bytes)),
  );
}
