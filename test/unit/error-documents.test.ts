import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { nobodysLab, ownController } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';

ownController();
writeFileSync('cluster.yaml', nobodysLab());
writeFileSync('bad.yaml', nobodysLab().replace('rto: fast', 'rto: quick').replace('port: 5432', 'port: 5432s'));

const documentOf = async (line: string) => {
  const { code, out } = await inProcess(line.split(' '));
  assert.equal(out.trim().split('\n').length, 1, out);
  return { code, document: JSON.parse(out) as Record<string, unknown> };
};

test('a mistake on the command line is a document where one is wanted', async () => {
  const { code, document } = await documentOf('plan -i cluster.yaml -l db9 -o json');
  assert.equal(code, 5);
  assert.deepEqual({ ...document, error: undefined }, { format_version: 1, ok: false, exit_code: 5, error: undefined });
  assert.match((document.error as { message: string }).message, /^--limit db9: cluster\.yaml has no such host/);
});

test('a line that commander refuses is a document too, in the words that a person gets', async () => {
  const { document } = await documentOf('plan cluster.yaml --output=json');
  assert.deepEqual(document.error, {
    kind: 'usage',
    message: 'error: hapg plan cluster.yaml: an inventory is named with -i: hapg plan -i cluster.yaml',
  });
});

test('every problem of an inventory has its place', async () => {
  const { document } = await documentOf('validate -i bad.yaml -o json');
  assert.deepEqual(
    (document.problems as { line: number; message: string }[]).map(({ message }) => message.split(':')[0]).sort(),
    ['postgres.port', 'rto'],
  );
  const [first] = document.problems as object[];
  assert.deepEqual(Object.keys(first!), ['severity', 'file', 'line', 'column', 'message']);
});

test('what is refused before a host is asked is a document with its exit code', async () => {
  const { code, document } = await documentOf('switchover -i cluster.yaml --yes -o json');
  assert.equal(document.exit_code, code);
  assert.notEqual(code, 0);
});

test('without -o json nothing goes to standard output', async () => {
  const { out } = await inProcess(['plan', '-i', 'bad.yaml']);
  assert.equal(out, '');
});
