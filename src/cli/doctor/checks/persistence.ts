import { countText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { setting, type ServerFacts } from '../facts.js';
import { unknown, type Verdict } from '../finding.js';

export const persistence = serverCheck('persistence', (server, { writeBehind }) => {
  const { info } = server;
  if (info.text('rdb_last_bgsave_status') === 'err') {
    return {
      level: 'problem',
      found: 'the last snapshot failed',
      means: 'Unless stop-writes-on-bgsave-error is no, Redis refuses every write until one succeeds.',
      todo: 'See the log of the server: the disk is full, or there is no memory for the copy. A cache alone needs none: save "".',
    };
  }
  return writeBehind ? ofQueues(server) : ofACache(server);
});

/** A cache is loaded again; but queues that were not seen would need more. */
function ofACache({ info, keys }: ServerFacts): Verdict {
  const aof = info.number('aof_enabled') === 1 ? 'yes' : 'no';
  const seen =
    keys.known && keys.value.complete
      ? 'no queue of writes to the database is here'
      : `no queue of writes to the database was seen among ${countText(keys.known ? keys.value.measured : 0)} keys (say --write-behind if there is one)`;
  return { level: 'ok', found: `appendonly is ${aof}; ${seen}` };
}

/** What was acknowledged must outlive the server. */
function ofQueues(server: ServerFacts): Verdict {
  const { info } = server;
  const aof = info.number('aof_enabled');
  if (aof === undefined) return unknown('whether there is an append-only file', 'INFO does not have it');
  if (aof === 0) {
    return {
      level: 'problem',
      found: 'appendonly is no, and there are queues of writes to the database',
      means: 'Acknowledged writes that the database does not have yet are lost when the server stops.',
      todo: 'Set appendonly yes.',
    };
  }
  if (info.text('aof_last_write_status') === 'err') {
    return {
      level: 'problem',
      found: 'the last write to the append-only file failed',
      means: 'Acknowledged writes may be lost, and Redis refuses new ones.',
      todo: 'See the log of the server: the disk is full or broken.',
    };
  }
  const fsync = setting(server, 'appendfsync');
  if (fsync === undefined) {
    return unknown(
      'appendfsync',
      server.settings.known ? 'the server has no such setting' : server.settings.why,
    );
  }
  if (fsync === 'no') {
    return {
      level: 'warning',
      found: 'appendonly is yes, and appendfsync is no',
      means: 'With the machine, acknowledged writes of half a minute are lost.',
      todo: 'Set appendfsync everysec, or always to lose none.',
    };
  }
  return { level: 'ok', found: `appendonly is yes, appendfsync ${fsync}` };
}
