/**
 * A profile page, as it comes out of an ORM that is told to include everything: each relation is one more
 * LEFT JOIN. The result is right, because the counts are of distinct values, and because an average does not
 * change when each of its rows appears equally often. But the database has to make, sort and count
 * followers x posts x reviews rows for it: 200,000 and more for somebody well known.
 */
export const profileQuery = `
  SELECT u.id, u.username, u.created_at AS "memberSince",
         p.display_name AS "displayName", p.bio, p.location,
         COUNT(DISTINCT f.follower_id)::int AS followers,
         COUNT(DISTINCT po.id)::int AS posts,
         COUNT(DISTINCT r.id)::int AS reviews,
         ROUND(AVG(r.rating), 2)::float8 AS rating
  FROM users u
  JOIN profiles p ON p.user_id = u.id
  LEFT JOIN followers f ON f.user_id = u.id
  LEFT JOIN posts po ON po.user_id = u.id
  LEFT JOIN reviews r ON r.user_id = u.id
  WHERE u.id = $1
  GROUP BY u.id, p.user_id`;

/** The same answer from the same tables and indexes, each relation counted on its own. Nothing multiplies. */
export const tunedProfileQuery = `
  SELECT u.id, u.username, u.created_at AS "memberSince",
         p.display_name AS "displayName", p.bio, p.location,
         (SELECT COUNT(*)::int FROM followers f WHERE f.user_id = u.id) AS followers,
         (SELECT COUNT(*)::int FROM posts po WHERE po.user_id = u.id) AS posts,
         r.reviews, r.rating
  FROM users u
  JOIN profiles p ON p.user_id = u.id
  CROSS JOIN LATERAL (
    SELECT COUNT(*)::int AS reviews, ROUND(AVG(rating), 2)::float8 AS rating
    FROM reviews WHERE user_id = u.id
  ) r
  WHERE u.id = $1`;

/** Null leaves a column as it is. */
export const editProfileQuery = `
  UPDATE profiles
  SET display_name = COALESCE($2, display_name), bio = COALESCE($3, bio), location = COALESCE($4, location)
  WHERE user_id = $1
  RETURNING user_id`;
