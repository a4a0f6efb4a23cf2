import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { leaderOf, type OperationDocument, type TestLab, Writer } from '../support/lab.ts';
import { milliseconds, pause } from '../support/time.ts';

/** The leader, its host, or a balancer is lost under write load. `deep`: ten switchovers before that, else four. */
export function failingOver(lab: TestLab, deep = false): void {
  const turns = deep ? 10 : 4;
  test('switchover: a verdict, a named candidate, seen on both hosts; several of them lose no acknowledged row', async () => {
    const status = await lab.healthy(60);
    const leader = leaderOf(status);
    const replica = status.members.find((member) => member.role === 'replica')!.name;
    const refused = await lab.hapg(['switchover', '--to', replica, '--yes']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`${replica} is no synchronous standby`));
    assert.equal((await lab.hapg(['switchover'])).code, 5, 'without a terminal, --yes is needed');
    const gaps: number[] = [];
    let from = leader;
    for (let turn = 0; turn < turns; turn++) {
      const { code, stdout, stderr } = await lab.hapg(['switchover', '--yes', '--probe', '-o', 'json']);
      assert.equal(code, 0, stderr);
      const document = JSON.parse(stdout) as OperationDocument;
      assert.equal(document.ok, true);
      assert.equal(document.switchovers[0]!.from, from);
      from = leaderOf((await lab.status()).status);
      assert.equal(from, document.switchovers[0]!.to);
      assert.equal(document.writes!.lost, 0);
      gaps.push(document.writes!.max_gap_ms);
    }
    gaps.sort((a, b) => a - b);
    console.log(`${turns} switchovers, longest write gaps in ms: ${gaps.join(' ')}`);
    // 2 s and 2.8 s were seen; two cores carry seven hosts.
    assert.ok(gaps[turns / 2]! < milliseconds(3500), `median ${gaps[turns / 2]} ms`);
    assert.ok(gaps.at(-1)! < milliseconds(6000), `longest ${gaps.at(-1)} ms`);
  });

  test("the leader's PostgreSQL is killed: writes are back within 10 s, no acknowledged row is lost", async () => {
    const leader = leaderOf(await lab.healthy(60));
    const writer = new Writer(lab);
    writer.start(60);
    await pause(3);
    lab.on(leader, 'pkill -9 -u postgres -f /bin/postgres');
    writer.resumed(30);
    await pause(5);
    const result = writer.stop();
    console.log(`leader process killed: ${JSON.stringify(result)}`);
    assert.equal(result.lost, 0);
    assert.ok(result.longestGapMs < milliseconds(10_000), `${result.longestGapMs} ms`);
    await lab.healthy(90);
  });

  test("the leader's host is lost: a new leader within 30 s, balancers follow, no acknowledged row is lost, and it rejoins by itself", async () => {
    const leader = leaderOf(await lab.healthy(90));
    const writer = new Writer(lab);
    writer.start(120);
    await pause(3);
    assert.equal((await lab.hapg(['lab', 'kill', leader])).code, 0);
    writer.resumed(60);
    await pause(5);
    const during = await lab.status();
    assert.equal(during.code, 4, 'a lost host is out of reach');
    assert.ok(during.status.problems.some((problem) => problem.code === 'unreachable' && problem.host === leader));
    const result = writer.stop();
    console.log(`leader host lost: ${JSON.stringify(result)}`);
    assert.equal(result.lost, 0);
    assert.ok(result.longestGapMs < milliseconds(30_000), `${result.longestGapMs} ms`);
    assert.equal((await lab.hapg(['lab', 'start', leader])).code, 0);
    const after = await lab.healthy(120);
    assert.notEqual(leaderOf(after), leader);
    for (const balancer of after.balancers) assert.deepEqual(balancer.primary, [leaderOf(after)]);
  });

  test("the leader's host is lost together with the backup host: nobody waits for the archive", async () => {
    const leader = leaderOf(await lab.healthy(90));
    const writer = new Writer(lab);
    writer.start(120);
    await pause(3);
    assert.equal((await lab.hapg(['lab', 'kill', 'backup'])).code, 0);
    assert.equal((await lab.hapg(['lab', 'kill', leader])).code, 0);
    writer.resumed(60);
    await pause(5);
    const result = writer.stop();
    console.log(`leader and backup host lost: ${JSON.stringify(result)}`);
    // Whatever is judged, what follows finds the hosts as they were.
    for (const host of ['backup', leader]) assert.equal((await lab.hapg(['lab', 'start', host])).code, 0);
    await lab.healthy(120);
    assert.equal(result.lost, 0);
    assert.ok(result.longestGapMs < milliseconds(30_000), `${result.longestGapMs} ms`);
  });

  test('the VIP moves when its balancer is lost, and exactly one host holds it', async () => {
    const holder = (await lab.healthy(60)).vip.holders[0]!;
    const writer = new Writer(lab);
    writer.start(60);
    await pause(2);
    await lab.hapg(['lab', 'kill', holder]);
    writer.resumed(30);
    await pause(5);
    const result = writer.stop();
    console.log(`VIP holder lost: ${JSON.stringify(result)}`);
    assert.equal(result.lost, 0);
    assert.ok(result.longestGapMs < milliseconds(10_000), `${result.longestGapMs} ms`);
    await lab.hapg(['lab', 'start', holder]);
    const after = await lab.healthy(60);
    assert.equal(after.vip.holders.length, 1);
  });
}
