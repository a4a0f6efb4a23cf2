import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changeUserPassword } from '../../playbooks/user-password.ts';
import type { Operation } from '../../src/engine/operation.ts';
import { StepFailed } from '../../src/errors.ts';
import type { Host } from '../../src/inventory/model.ts';
import { Secret } from '../../src/secret.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import { labCluster } from './model.ts';

/** The lab with three clients: client, proxy1, proxy2. */
const cluster = labCluster();
const clients = ['backup', 'client', 'proxy1'];
const hosts = cluster.hosts.map((host) =>
  clients.includes(host.name) ? { ...host, roles: new Set([...host.roles, 'client' as const]) } : host,
);

/** Changes the password of `user` where what `fails` names (HOST WHAT) does not work; tells the end, and what each host did. */
async function change(user: string, fails: string[]) {
  const did: string[] = [];
  const promoted: string[] = [];
  const act = async (host: Host, what: string) => {
    // Slower than the rest, as a host on a bad network is.
    if (host.name === 'proxy1') await new Promise((resolve) => setTimeout(resolve, 20));
    if (fails.includes(`${host.name} ${what}`)) throw new StepFailed(host.name, what, 'no answer');
    did.push(`${host.name} ${what}`);
    return '';
  };
  const what = (script: string) =>
    /\.hapg-new \/root/.test(script)
      ? 'new'
      : /\.hapg-old \/root/.test(script)
        ? 'old back'
        : script.startsWith('rm')
          ? 'cleared'
          : 'prepared';
  const op = {
    cluster: { ...cluster, hosts },
    session: { options: { forks: 5 } },
    stage: () => undefined,
    observe: async () => ({ leader: { name: 'db1' } }),
    host: (name: string) => hosts.find((one) => one.name === name)!,
    ask: (host: Host, _what: string, script: string) => act(host, what(script)),
    step: (host: Host, _step: string, _role: string, _action: string, work: (remote: object) => Promise<unknown>) =>
      work({ run: () => act(host, 'password') }),
  } as unknown as Operation;
  const store = {
    userPassword: () => new Secret('old-old-old'),
    promoteUser: async (name: string) => void promoted.push(name),
  } as unknown as SecretStore;
  const end = await changeUserPassword(op, store, user, new Secret('new-new-new')).then(
    () => 'done',
    (cause: Error) => cause.message,
  );
  return { end, did, promoted };
}

const owner = cluster.settings.postgres.databases[0]!.owner ?? cluster.settings.postgres.users[0]!.name;

describe('a password that changes under its clients', () => {
  for (const [who, user] of [
    ['the user of the URI', owner],
    ['another user', 'somebody'],
  ] as const) {
    test(`of ${who} changes everywhere`, async () => {
      const { end, did, promoted } = await change(user, []);
      assert.equal(end, 'done');
      assert.deepEqual(promoted, [user]);
      for (const client of clients) assert.ok(did.includes(`${client} cleared`), did.join());
    });

    test(`of ${who}: a client that could not be given the new file is reported, and the password is stored`, async () => {
      const { end, did, promoted } = await change(user, ['proxy1 new']);
      assert.match(end, /^proxy1: new password file: no answer\. .* proxy1 still has the old one: "hapg apply"/);
      assert.deepEqual(promoted, [user], 'the database has it');
      assert.ok(!did.some((one) => one.endsWith('old back')), 'nobody gets a file that does not fit any more');
      assert.ok(did.includes('backup cleared') && !did.includes('proxy1 cleared'));
    });

    test(`of ${who}: where the database refuses it, every client ends with the old file`, async () => {
      const first = user === owner ? 'backup' : 'db1';
      const { end, did, promoted } = await change(user, [`${first} password`]);
      assert.match(end, /no answer/);
      assert.deepEqual(promoted, []);
      for (const client of clients)
        assert.equal(did.filter((one) => one.startsWith(`${client} `)).at(-1), `${client} old back`);
    });
  }
});
