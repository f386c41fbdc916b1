/** Views of posts are counted anew by each run; everything else in the database stays as it was loaded. */
export const viewsTable = `
  CREATE TABLE IF NOT EXISTS post_views (post_id integer PRIMARY KEY, views integer NOT NULL);
  TRUNCATE post_views`;

/** What an application without a cache does for every view. */
export const countViewQuery = `
  INSERT INTO post_views AS counted (post_id, views) VALUES ($1, 1)
  ON CONFLICT (post_id) DO UPDATE SET views = counted.views + 1
  RETURNING views`;

export const viewsQuery = 'SELECT views FROM post_views WHERE post_id = $1';

export const saveViewsQuery = `
  INSERT INTO post_views SELECT * FROM unnest($1::integer[], $2::integer[])
  ON CONFLICT (post_id) DO UPDATE SET views = excluded.views`;
