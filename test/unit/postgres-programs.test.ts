import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accepts, clientPsql, controlData, psql, sql } from '../../src/programs/postgres.ts';
import { programs, sh } from './sh.ts';

const SERVER = { binDir: '/usr/lib/postgresql/17/bin', port: 5432 };

test("PostgreSQL's own programs are called by their real path, a client's by what its package brings", () => {
  for (const script of [psql(SERVER, 'app'), sql(SERVER, 'select 1'), accepts(SERVER)])
    assert.match(
      script,
      /^(setpriv --reuid=postgres --regid=postgres --init-groups )?\/usr\/lib\/postgresql\/17\/bin\/(psql|pg_isready) /,
    );
  assert.match(clientPsql('postgresql://app@10.1.1.100/app', '/root/.pgpass'), / psql -XAtq /);
});

describe('what pg_controldata says', () => {
  const asked = (pg_controldata: string) =>
    sh(
      `x=$(${controlData(programs({ pg_controldata }), '/data', 'max_prepared_xacts setting')}) || exit 1; echo "[$x]"`,
    );

  test('is read under its heading', () => {
    assert.deepEqual(asked('echo "max_connections setting:   100"; echo "max_prepared_xacts setting:           64"'), {
      code: 0,
      out: '[64]\n',
    });
  });

  test('is not guessed: a recovery without the number that the WAL needs would end half-way', () => {
    assert.equal(asked('echo "max_prepared_xacts setting:  64"; exit 1').code, 1, 'it failed');
    assert.equal(asked('echo "max_connections setting:  100"').code, 1, 'it does not tell');
    assert.equal(asked('exit 0').code, 1, 'it says nothing');
  });
});
