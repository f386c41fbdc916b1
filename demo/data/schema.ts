/** Change it whenever the schema or the generated rows change: data of another version is loaded anew. */
export const dataVersion = 1;

/** One table: its columns, in the order in which rows are generated, and what is added once the rows are in. */
export interface Table {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: 'integer' | 'timestamptz' | 'text' }[];
  /** Keys and indexes. Built after loading, since that is faster than growing them row by row. */
  readonly keys: readonly string[];
}

/**
 * A social network, with the keys and the foreign-key indexes that such a schema ordinarily has. The slow
 * queries and the tuned one run on these same tables and indexes.
 */
export const tables = {
  users: {
    name: 'users',
    columns: [
      { name: 'id', type: 'integer' },
      { name: 'username', type: 'text' },
      { name: 'email', type: 'text' },
      { name: 'created_at', type: 'timestamptz' },
    ],
    keys: ['ALTER TABLE users ADD PRIMARY KEY (id)', 'ALTER TABLE users ADD UNIQUE (username)'],
  },
  profiles: {
    name: 'profiles',
    columns: [
      { name: 'user_id', type: 'integer' },
      { name: 'display_name', type: 'text' },
      { name: 'bio', type: 'text' },
      { name: 'location', type: 'text' },
    ],
    keys: ['ALTER TABLE profiles ADD PRIMARY KEY (user_id)'],
  },
  followers: {
    name: 'followers',
    columns: [
      { name: 'user_id', type: 'integer' },
      { name: 'follower_id', type: 'integer' },
      { name: 'created_at', type: 'timestamptz' },
    ],
    keys: [
      'ALTER TABLE followers ADD PRIMARY KEY (user_id, follower_id)',
      'CREATE INDEX ON followers (created_at)',
    ],
  },
  posts: {
    name: 'posts',
    columns: [
      { name: 'id', type: 'integer' },
      { name: 'user_id', type: 'integer' },
      { name: 'body', type: 'text' },
      { name: 'created_at', type: 'timestamptz' },
    ],
    keys: [
      'ALTER TABLE posts ADD PRIMARY KEY (id)',
      'CREATE INDEX ON posts (user_id)',
      'CREATE INDEX ON posts (created_at)',
    ],
  },
  likes: {
    name: 'likes',
    columns: [
      { name: 'post_id', type: 'integer' },
      { name: 'user_id', type: 'integer' },
      { name: 'created_at', type: 'timestamptz' },
    ],
    keys: ['ALTER TABLE likes ADD PRIMARY KEY (post_id, user_id)'],
  },
  comments: {
    name: 'comments',
    columns: [
      { name: 'id', type: 'integer' },
      { name: 'post_id', type: 'integer' },
      { name: 'user_id', type: 'integer' },
      { name: 'body', type: 'text' },
      { name: 'created_at', type: 'timestamptz' },
    ],
    keys: ['ALTER TABLE comments ADD PRIMARY KEY (id)', 'CREATE INDEX ON comments (post_id)'],
  },
  reviews: {
    name: 'reviews',
    columns: [
      { name: 'id', type: 'integer' },
      { name: 'user_id', type: 'integer' },
      { name: 'reviewer_id', type: 'integer' },
      { name: 'rating', type: 'integer' },
      { name: 'created_at', type: 'timestamptz' },
    ],
    keys: ['ALTER TABLE reviews ADD PRIMARY KEY (id)', 'CREATE INDEX ON reviews (user_id)'],
  },
} as const satisfies Record<string, Table>;

export function createTable(table: Table): string {
  const columns = table.columns.map(({ name, type }) => `${name} ${type} NOT NULL`);
  return `CREATE TABLE ${table.name} (${columns.join(', ')})`;
}
