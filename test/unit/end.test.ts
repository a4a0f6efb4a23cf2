import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeEnd } from '../../src/commands/destroy.ts';
import { labCluster } from './model.ts';

const BOTH = 'pgbackrest:\n  repositories: [{kind: host}, {kind: s3, bucket: backups, endpoint: s3.example.com}]\n';

test('the question about the end names each place that backups are deleted from', () => {
  const cluster = labCluster(['pgbackrest:\n', BOTH]);
  assert.match(
    describeEnd(cluster, { stamp: 's', backups: true }),
    /DELETED from \/var\/lib\/pgbackrest on backup, and from the bucket backups at s3\.example\.com, path \/\S+$/,
  );
  assert.match(describeEnd(cluster, { stamp: 's', backups: false }), /its backups stay/);
});
