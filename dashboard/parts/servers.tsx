import type { DashboardFrame, NodeFrame } from '../../src/dashboard/frame.js';
import type { ByPortState, ServerGauges } from '../../src/metrics/snapshot.js';
import { count, percent, time } from '../format.js';
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
          {frame.nodes ? (
            <Nodes nodes={frame.nodes} />
          ) : (
            <Addresses servers={gauges.servers} latencies={frame.redis?.latencies ?? {}} />
          )}
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
          <th scope="row" class="key">
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

const OF_NODES = [
  { name: 'Node' },
  { name: 'State' },
  { name: 'Slots', number: true },
  { name: 'Commands', number: true },
  { name: 'p99', number: true },
  { name: 'Errors', number: true },
];

function Nodes({ nodes }: { nodes: readonly NodeFrame[] }) {
  return (
    <Table label="Nodes of the Cluster" columns={OF_NODES}>
      {nodes.map((node) => (
        <tr key={node.address} data-node={node.address}>
          <th scope="row" class="key">
            {node.address} <span class="quiet">{node.role}</span>
            {node.problem !== undefined && <span class="error"> {node.problem}</span>}
          </th>
          <td>
            <State state={node.state} />
          </td>
          <td class="number">{count(node.slots)}</td>
          <td class="number">
            {count(node.commands)} <span class="quiet">{percent(node.load)}</span>
          </td>
          <td class="number">{node.commands === 0 ? '–' : time(node.p99)}</td>
          <td class={node.errors > 0 ? 'number bad-text' : 'number'}>{count(node.errors)}</td>
        </tr>
      ))}
    </Table>
  );
}

function State({ state }: { state: string }) {
  return (
    <span class="state" data-state={state}>
      {state}
    </span>
  );
}

/** Of several processes, the state that most see. */
function stateOf(states: ByPortState): string {
  const [most] = Object.entries(states).toSorted(([, a], [, b]) => b - a);
  return most?.[0] ?? 'closed';
}
