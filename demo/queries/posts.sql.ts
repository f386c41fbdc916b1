/**
 * The most liked posts of the last 24 hours. Likes and comments are joined at once, so a post with 200 likes
 * and 60 comments is 12,000 rows before it is counted.
 */
export const popularPostsQuery = `
  SELECT po.id, po.body, po.created_at AS "createdAt", u.username AS author,
         COUNT(DISTINCT l.user_id)::int AS likes,
         COUNT(DISTINCT c.id)::int AS comments
  FROM posts po
  JOIN users u ON u.id = po.user_id
  LEFT JOIN likes l ON l.post_id = po.id
  LEFT JOIN comments c ON c.post_id = po.id
  WHERE po.created_at > $1::timestamptz - INTERVAL '24 hours' AND po.created_at <= $1
  GROUP BY po.id, po.body, po.created_at, u.username
  ORDER BY likes DESC, comments DESC, po.id
  LIMIT $2`;
