import type { NodeFrame } from '../../src/dashboard/frame.js';
import { count, percent, time } from '../format.js';
import { State } from './state.jsx';
import { Table } from './table.jsx';

const COLUMNS = [
  { name: 'Node' },
  { name: 'State' },
  { name: 'Role' },
  { name: 'Slots', number: true },
  { name: 'Latency', number: true },
  { name: 'Commands', number: true },
  { name: 'Of all', number: true },
  { name: 'p99', number: true },
  { name: 'Errors', number: true },
];

export function ClusterNodes({ nodes }: { nodes: readonly NodeFrame[] }) {
  return (
    <section class="card" aria-labelledby="nodes">
      <h2 id="nodes">Nodes of the Cluster</h2>
      <Table label="Nodes" columns={COLUMNS}>
        {nodes.map((node) => (
          <tr key={node.address} data-node={node.address}>
            <th scope="row" class="key address">
              {node.address}
              {node.problem !== undefined && <span class="error">{node.problem}</span>}
            </th>
            <td>
              {/* A node may be connected and yet not well: the others may not hear from it. */}
              <State state={node.state === 'ready' && !node.healthy ? 'unwell' : node.state} />
            </td>
            <td data-of="role">{node.role}</td>
            <td class="number" data-of="slots">
              {count(node.slots)}
            </td>
            <td class="number" data-of="latency">
              {time(node.latency)}
            </td>
            <td class="number">{count(node.commands)}</td>
            <td class="number quiet">{percent(node.load)}</td>
            <td class="number">{node.commands === 0 ? '–' : time(node.p99)}</td>
            <td class={node.errors > 0 ? 'number bad-text' : 'number'}>{count(node.errors)}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
