import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setUp, skip, start } from '../support/command-in-terminal.ts';
import { healthyHosts } from '../support/fake-hosts.ts';
import { KEY } from '../support/terminal.ts';

test('probe: the figures so far stand on the last line, and Ctrl-C leaves those of the end', {
  skip,
}, async (context) => {
  const client = { answers: { 'grep -c': '5\n0\n7\n1\n', 'rm -f alive': '1000 ok 1\n--\n1000 ok 1\n--\n1\n' } };
  const fakes = await setUp(context, { hosts: { client }, stored: true });
  const terminal = start(context, fakes, ['probe', '--for', '10m']);
  await terminal.sees(/5 writes, 0 failed; 7 reads, 1 failed; \S+ left, Ctrl-C ends/);
  terminal.type(KEY.ctrlC);
  assert.equal(await terminal.ended, 0, terminal.all);
  assert.match(terminal.screen, /clients: 1 writes, 0 failed, .* 0 lost; 1 reads/);
  assert.doesNotMatch(terminal.screen, /left, Ctrl-C ends/);
});

test('switchover --at: the question comes before the wait, with a countdown that Ctrl-C ends', {
  skip,
}, async (context) => {
  const fakes = await setUp(context, { hosts: healthyHosts(), stored: true });
  const later = new Date(Date.now() + 7_200_000).toISOString();
  const terminal = start(context, fakes, ['switchover', '--at', later]);
  await terminal.sees(/hapg switchover at .*, in .*\? \[y\/N\]/s);
  terminal.type(`y${KEY.enter}`);
  await terminal.sees(/begins in 1h59m/);
  terminal.type(KEY.ctrlC);
  assert.equal(await terminal.ended, 130, terminal.all);
  assert.match(terminal.all, /interrupted; nothing was changed/);
  assert.equal(fakes.scripts.length, 0, 'no host was asked');
});
