import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { leaderOf, manifest, report, set, type TestLab } from '../support/lab.ts';
import { Sampler } from '../support/sampler.ts';

/** From new hosts to a cluster, and a second run that changes nothing. */
export function applying(lab: TestLab): void {
  test('doctor and plan on new hosts write nothing, and hosts that cannot reach each other are named', async () => {
    const look = () =>
      Object.fromEntries(
        lab.hosts.map((host) => [
          host,
          lab.on(
            host,
            "find / -xdev -type f ! -path '/proc/*' ! -path '/var/log/*' ! -path /var/lib/hapg/lock ! -path '/var/lib/systemd/*' -newermt '-1 hour' -printf '%p %m %T@\\n' | sort",
          ).out,
        ]),
      );
    const first = look();
    const doctor = async () => {
      const { code, stdout } = await lab.hapg(['doctor', '-o', 'json']);
      const { findings } = JSON.parse(stdout) as {
        findings: { check: string; host: string; level: string; seen: string }[];
      };
      return { code, wrong: findings.filter(({ level }) => level !== 'ok') };
    };
    assert.deepEqual(await doctor(), { code: 0, wrong: [] });
    lab.on('db2', 'ip route add blackhole 10.9.1.10/32');
    const cut = await doctor();
    const refused = await lab.hapg(['plan']);
    lab.on('db2', 'ip route del blackhole 10.9.1.10/32');
    assert.equal(cut.code, 1);
    assert.ok(cut.wrong.some(({ host, seen }) => host === 'db1' && /TCP 5432 .* from .*\bdb2\b/.test(seen)));
    assert.ok(cut.wrong.every(({ check }) => check === 'connections'));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /not fit for a first apply.*10\.9\.1\.10 TCP 5432/s);
    const { code, stdout } = await lab.hapg(['plan', '--detailed-exitcode', '-o', 'json']);
    assert.equal(code, 2, 'changes are pending');
    assert.ok(report(stdout).changes.length > 100);
    assert.deepEqual(look(), first);
  });

  test('from new hosts to a healthy cluster, and what plan has shown is what apply does', async () => {
    const planned = report((await lab.hapg(['plan', '-o', 'json'])).stdout);
    const sampler = new Sampler(lab);
    const { code, stdout, stderr, ms } = await lab.hapg(['apply', '--yes', '-o', 'json']);
    assert.deepEqual(sampler.stop(), [], 'no secret was in an argument list');
    assert.equal(code, 0, `${stderr.slice(-3000)}\n${stdout.slice(-2000)}`);
    console.log(`first apply: ${Math.round(ms / 1000)} s`);
    const applied = report(stdout);
    assert.deepEqual(applied.failed, []);
    const only = (a: string[], b: string[]) => a.filter((one) => !b.includes(one));
    assert.deepEqual(only(set(applied), set(planned)), [], 'apply did something that plan did not show');
    assert.deepEqual(only(set(planned), set(applied)), [], 'apply left out something that plan showed');
    const status = await lab.healthy(30);
    assert.equal(leaderOf(status), lab.with('patroni')[0]);
  });

  test('the second apply changes nothing: no file, no unit, no rule', async () => {
    const before = manifest(lab);
    const { code, stdout, ms } = await lab.hapg(['apply', '--yes', '-o', 'json']);
    assert.equal(code, 0);
    console.log(`${lab.cluster}, second apply: ${Math.round(ms)} ms`);
    assert.deepEqual(report(stdout).changes, []);
    const plan = await lab.hapg(['plan', '--detailed-exitcode']);
    assert.equal(plan.code, 0, plan.stdout);
    assert.deepEqual(manifest(lab), before);
  });
}
