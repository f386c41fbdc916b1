import type { DashboardFrame } from '../../src/dashboard/frame.js';
import type { ByPortState, ServerGauges } from '../../src/metrics/snapshot.js';
import { count, time } from '../format.js';
import { State } from './state.jsx';
import { Table } from './table.jsx';

export function Servers({ frame }: { frame: DashboardFrame }) {
  const gauges = frame.snapshot.redis;
  const { gauges: named } = frame.snapshot.named;
  return (
    <section class="card" aria-labelledby="servers">
      <h2 id="servers">Redis</h2>
      {gauges === undefined ? (
        <p class="empty">This cache has no Redis: values are in the memory of the process only.</p>
      ) : (
        <>
          <dl class="facts">
            <div>
              <dt>State</dt>
              <dd>
                <State state={frame.state ?? stateOf(gauges.states)} />
              </dd>
            </div>
            <div>
              <dt>Latency</dt>
              <dd data-testid="redis-latency">{time(frame.redis?.latency)}</dd>
            </div>
            <div>
              <dt>Connections made</dt>
              <dd>{count(gauges.entered.ready)}</dd>
            </div>
            <div>
              <dt>Silent, lost</dt>
              <dd>
                {count(gauges.entered.silent)}, {count(gauges.entered.lost)} times
              </dd>
            </div>
            <div>
              <dt>Tells of changes</dt>
              <dd>{gauges.tracking ? 'yes' : 'no'}</dd>
            </div>
            <div>
              <dt>Invalidations kept</dt>
              <dd>{count(named['recovery.pending'])}</dd>
            </div>
          </dl>
          {frame.redis?.error !== undefined && <p class="error">{frame.redis.error}</p>}
          {!frame.nodes && <Addresses servers={gauges.servers} latencies={frame.redis?.latencies ?? {}} />}
        </>
      )}
    </section>
  );
}

function Addresses(props: { servers: readonly ServerGauges[]; latencies: Readonly<Record<string, number>> }) {
  return (
    <Table
      label="Servers"
      columns={[{ name: 'Server' }, { name: 'State' }, { name: 'Latency', number: true }]}
    >
      {props.servers.map(({ address, states }) => (
        <tr key={address}>
          <th scope="row" class="key address">
            {address}
          </th>
          <td>
            <State state={stateOf(states)} />
          </td>
          <td class="number">{time(props.latencies[address])}</td>
        </tr>
      ))}
    </Table>
  );
}

/** Of several processes, the state that most see. */
function stateOf(states: ByPortState): string {
  const [most] = Object.entries(states).toSorted(([, a], [, b]) => b - a);
  return most?.[0] ?? 'closed';
}
