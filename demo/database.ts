import { Pool } from 'pg';

/** A pool of connections that counts what it is asked, since saved queries are what the demo is about. */
export class Database {
  readonly #pool: Pool;
  #queries = 0;

  /** Ten connections, which is the driver's default and plenty for the two processors of a small machine. */
  constructor(url: string) {
    this.#pool = new Pool({ connectionString: url, max: 10 });
    // An idle connection that breaks is replaced at its next use; unheard, the event would end the process.
    this.#pool.on('error', () => {});
  }

  /** Statements sent so far. */
  get queries(): number {
    return this.#queries;
  }

  /** With a `name` the statement is prepared once for each connection. */
  async query<Row extends object>(text: string, values: readonly unknown[], name?: string): Promise<Row[]> {
    this.#queries++;
    const config = { text, values: [...values], ...(name === undefined ? {} : { name }) };
    const { rows } = await this.#pool.query<Row>(config);
    return rows;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
