/** Starts a Redis, says where it is, and then waits to be killed. */
import { startRedis } from '../../../servers/redis.js';

const server = await startRedis();
if (process.argv.includes('--frozen')) await server.freeze();
console.log(JSON.stringify({ pid: server.pid, dir: server.dir }));
