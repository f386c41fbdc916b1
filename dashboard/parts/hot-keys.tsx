import { useContext } from 'preact/hooks';
import type { HotKeys as HotKeysFigures } from '../../src/metrics/snapshot.js';
import { count, percent } from '../format.js';
import { Operating } from './operate.jsx';
import { Bar, Table } from './table.jsx';

export function HotKeys({
  hotKeys,
  known,
}: {
  hotKeys: HotKeysFigures | undefined;
  known: readonly string[];
}) {
  const { inspect } = useContext(Operating);
  return (
    <section class="card" aria-labelledby="hot">
      <h2 id="hot">Hot keys</h2>
      {hotKeys === undefined && <p class="empty">Not looked for: the option metrics.hotKeys is false.</p>}
      {hotKeys?.keys.length === 0 && <p class="empty">No key was read often enough to be in the sample.</p>}
      {hotKeys && hotKeys.keys.length > 0 && (
        <Table
          label="Keys read most"
          columns={[
            { name: 'Key' },
            { name: 'Reads, about', number: true },
            { name: 'Of all', number: true },
          ]}
        >
          {hotKeys.keys.slice(0, 10).map(({ namespace, key, reads, share }) => (
            <tr key={`${namespace}\n${key}`}>
              <th scope="row" class="key">
                {known.includes(namespace) ? (
                  <button class="link" onClick={() => inspect(namespace, key)}>
                    {key}
                  </button>
                ) : (
                  key
                )}
                <span class="quiet"> {namespace}</span>
              </th>
              <td class="number">{count(reads)}</td>
              <td class="number share">
                <Bar share={share} label={`Share of ${key}`} /> <span>{percent(share)}</span>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
