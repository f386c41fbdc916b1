import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FaultProxy } from 'tiercel/testing';
import { startPostgres, type PostgresServer } from '../../../servers/postgres.js';
import { eventually } from '../../support/eventually.js';

describe('FaultProxy before Postgres', () => {
  let server: PostgresServer;
  let proxy: FaultProxy;
  let direct: Client;
  const clients: Client[] = [];

  beforeAll(async () => {
    server = await startPostgres({ name: 'test-proxy' });
    proxy = await FaultProxy.to(Number(new URL(server.url).port));
    direct = new Client(server.url);
    await direct.connect();
    await direct.query('DROP TABLE IF EXISTS told; CREATE TABLE told (what text)');
  });
  afterEach(async () => {
    proxy.heal();
    await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)));
  });
  afterAll(async () => {
    await direct?.end();
    await proxy?.close();
    await server?.stop();
  });

  async function open(): Promise<Client> {
    const url = new URL(server.url);
    url.port = String(proxy.port);
    const client = new Client(String(url));
    client.on('error', () => undefined);
    clients.push(client);
    await client.connect();
    return client;
  }

  it('passes statements and answers on, slowly where it is to', async () => {
    const client = await open();
    proxy.slow({ latency: 50 });
    const began = performance.now();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(98);
  });

  it('fails what is under way when it cuts, and what comes until it is healed', async () => {
    const client = await open();
    const sleeping = expect(client.query('SELECT pg_sleep(30)')).rejects.toThrow();
    await eventually('it is under way', async () => {
      const { rows } = await direct.query(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'",
      );
      return rows.length === 1;
    });
    proxy.cut();
    await sleeping;
    await expect(open()).rejects.toThrow();
    proxy.heal();
    expect((await (await open()).query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('has a statement carried out whose caller is told that it failed', async () => {
    const client = await open();
    proxy.resetAmidAnswer(1);
    await expect(client.query("INSERT INTO told VALUES ('nobody')")).rejects.toThrow();
    expect((await direct.query('SELECT what FROM told')).rows).toEqual([{ what: 'nobody' }]);
  });
});
