import assert from 'node:assert/strict';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { after, before, mock, test } from 'node:test';
import { holder } from '../../src/engine/lock.ts';
import { UsageError } from '../../src/errors.ts';
import { parsedSshConfig } from '../../src/transport/ssh-config.ts';
import { resolveTarget } from '../../src/transport/target.ts';
import { fakeHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { labCluster } from './model.ts';

// A container's uid often stands in no passwd; what asks for its name or home gets this.
const nobody = () => {
  throw Object.assign(new Error('A system error occurred: uv_os_get_passwd returned ENOENT'), {
    name: 'SystemError',
    code: 'ERR_SYSTEM_ERROR',
  });
};
before(() => {
  mock.method(os, 'userInfo', nobody);
  mock.method(os, 'homedir', nobody);
  syncBuiltinESMExports();
});
after(() => {
  mock.restoreAll();
  syncBuiltinESMExports();
});

const me = `uid ${process.getuid?.()}@${os.hostname()}`;

test('a run under a uid without a name connects, and says the uid', async (context) => {
  const fakes = await fakeHosts();
  context.after(() => fakes.close());
  const { code, err } = await inProcess(['plan', '-i', fakes.inventory]);
  assert.equal(code, 0, err);
});

test('the holder of a lock is the uid', () => assert.equal(holder('run', 'apply').by, `${me} pid ${process.pid}`));

test('a login has to be named by who has no name', async () => {
  const cluster = labCluster();
  const host = { ...cluster.hosts[0]!, ssh: {} };
  const nothing = parsedSshConfig('');
  await assert.rejects(
    resolveTarget(cluster, host, {}, nothing),
    (error) => error instanceof UsageError && /no login name: .* ssh\.user .* --user/.test(error.message),
  );
  assert.equal((await resolveTarget(cluster, host, { user: 'root' }, nothing)).user, 'root');
});
