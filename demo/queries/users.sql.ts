/** Who gained most followers within a week, with what they posted and how it was liked meanwhile. */
export const trendingUsersQuery = `
  SELECT u.id, u.username,
         COUNT(DISTINCT f.follower_id)::int AS "newFollowers",
         COUNT(DISTINCT po.id)::int AS "newPosts",
         COUNT(l.post_id)::int AS engagement
  FROM users u
  JOIN followers f ON f.user_id = u.id AND f.created_at > $1::timestamptz - INTERVAL '7 days'
  LEFT JOIN posts po ON po.user_id = u.id AND po.created_at > $1::timestamptz - INTERVAL '7 days'
  LEFT JOIN likes l ON l.post_id = po.id
  GROUP BY u.id, u.username
  ORDER BY "newFollowers" DESC, u.id
  LIMIT $2`;
