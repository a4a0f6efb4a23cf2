import { z } from 'zod';
import { port } from './values.ts';

export const pgbouncer = z
  .strictObject({
    port: port.default(6432).describe('Port of the pools'),
    pool_mode: z
      .enum(['transaction', 'session', 'statement'])
      .default('transaction')
      .describe('When a connection to PostgreSQL goes back to the pool'),
    default_pool_size: z
      .int()
      .min(1)
      .max(10_000)
      .default(20)
      .describe('Connections to PostgreSQL for each pair of user and database'),
    max_client_conn: z.int().min(1).max(60_000).default(1000).describe('Most client connections of one pool'),
    max_prepared_statements: z
      .int()
      .min(0)
      .max(10_000)
      .default(200)
      .describe('Prepared statements that are kept for the clients of a transaction pool'),
    ignore_startup_parameters: z
      .array(z.string().regex(/^[a-z_]+$/, 'not a parameter'))
      .default([])
      .describe(
        'Parameters that clients send when they connect and the pool passes over, such as options or search_path; a client with any other unknown one is refused',
      ),
  })
  .prefault({})
  .describe('PgBouncer, on hosts with the role pgbouncer');
